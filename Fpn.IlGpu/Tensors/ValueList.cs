using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Fpn.IlGpu.Tensors;

/// <summary>A list that can't change and equals any list of the same values, for configurations: <c>Mean = [0.5f, 0.5f, 0.5f]</c>.</summary>
/// <typeparam name="T">The type of the values.</typeparam>
[CollectionBuilder(typeof(ValueList), nameof(ValueList.Create))]
[SuppressMessage("Naming", "CA1710", Justification = "It is a list.")]
public sealed class ValueList<T> : IReadOnlyList<T>, IEquatable<ValueList<T>>
{
    private readonly T[] values;

    internal ValueList(ReadOnlySpan<T> values) => this.values = values.ToArray();

    /// <summary>The number of values.</summary>
    public int Length => values.Length;

    /// <inheritdoc/>
    int IReadOnlyCollection<T>.Count => values.Length;

    /// <summary>The value at an index.</summary>
    /// <param name="index">The index, from 0.</param>
    public T this[int index] => values[index];

    /// <summary>Whether two lists have the same values in the same order.</summary>
    public static bool operator ==(ValueList<T>? left, ValueList<T>? right) => left is null ? right is null : left.Equals(right);

    /// <summary>Whether two lists differ.</summary>
    public static bool operator !=(ValueList<T>? left, ValueList<T>? right) => !(left == right);

    /// <summary>Copies an array.</summary>
    public static implicit operator ValueList<T>(T[] values)
    {
        ArgumentNullException.ThrowIfNull(values);
        return new(values);
    }

    /// <summary>Returns an enumerator of the values.</summary>
    public IEnumerator<T> GetEnumerator() => ((IEnumerable<T>)values).GetEnumerator();

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <inheritdoc/>
    public bool Equals(ValueList<T>? other) => other is not null && values.AsSpan().SequenceEqual(other.values);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as ValueList<T>);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        foreach (var value in values)
            hash.Add(value);
        return hash.ToHashCode();
    }

    /// <summary>The values: <c>[1, 2, 3]</c>.</summary>
    public override string ToString() => FormattableString.Invariant($"[{string.Join(", ", values)}]");
}

/// <summary>Makes lists.</summary>
public static class ValueList
{
    /// <summary>Makes a list of values, which are copied.</summary>
    /// <typeparam name="T">The type of the values.</typeparam>
    /// <param name="values">The values.</param>
    public static ValueList<T> Create<T>(ReadOnlySpan<T> values) => new(values);
}
