using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// One item for each level of a pathway, addressed by the paper's level numbers: <c>c[2]</c> for C2, <c>p[5]</c> for P5. The number of
/// the finest level is the base-2 logarithm of its stride; the levels above it are numbered consecutively.
/// </summary>
/// <param name="finest">The number of the finest level: 2 for C2.</param>
/// <param name="items">The items, finest level first.</param>
[SuppressMessage("Naming", "CA1710", Justification = "The field calls them levels.")]
public sealed class Levels<T>(int finest, IReadOnlyList<T> items) : IReadOnlyCollection<T>
{
    /// <summary>The number of the finest level.</summary>
    public int Finest => finest;

    /// <summary>The number of the coarsest level.</summary>
    public int Coarsest => finest + items.Count - 1;

    /// <inheritdoc/>
    public int Count => items.Count;

    /// <summary>The item of a level.</summary>
    /// <param name="level">Its number.</param>
    public T this[int level] => items[level - finest];

    /// <summary>Returns other items for the same levels.</summary>
    public Levels<TOther> Select<TOther>(Func<int, T, TOther> of)
        => new(finest, [.. items.Select((item, i) => of(finest + i, item))]);

    /// <inheritdoc/>
    public IEnumerator<T> GetEnumerator() => items.GetEnumerator();

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
