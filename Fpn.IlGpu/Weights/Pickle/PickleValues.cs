using System.Text;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

// The values that a pickle can hold: null for None, bool, long, BigInteger, double, string, and the types below. All are inert:
// creating, comparing or releasing one has no side effects.

/// <summary>A dict of any kind, in insertion order. A key may repeat; its last value counts.</summary>
internal sealed class PickleDictionary
{
    private List<(object? Key, object? Value)>? items;

    public IReadOnlyList<(object? Key, object? Value)> Items => items ?? [];

    public void Add(object? key, object? value) => (items ??= []).Add((key, value));

    /// <summary>The value of a string key; null if there is none.</summary>
    public object? Find(string key) => Items.LastOrDefault(item => item.Key is string name && name == key).Value;
}

/// <summary>A list, set or frozenset.</summary>
internal sealed class PickleList
{
    private List<object?>? items;

    public IReadOnlyList<object?> Items => items ?? [];

    public void Add(object? item) => (items ??= []).Add(item);

    public void AddRange(ReadOnlySpan<object?> more) => (items ??= []).AddRange(more);
}

/// <summary>A tuple.</summary>
internal sealed class PickleTuple(object?[] items)
{
    public static readonly PickleTuple Empty = new([]);

    public IReadOnlyList<object?> Items => items;
}

/// <summary>An allowed Python class or function.</summary>
/// <param name="Name">The full name, such as <c>collections.OrderedDict</c>.</param>
/// <param name="Call">
/// Returns the result of a call with these arguments, or null if they don't fit; null if calls are not allowed.
/// </param>
internal sealed record PickleGlobal(string Name, Func<IReadOnlyList<object?>, object?>? Call = null);

/// <summary>An object whose contents are not needed, such as an argparse.Namespace or a torch.device.</summary>
internal sealed record PickleObject(string ClassName);

/// <summary>A bytes or bytearray object, left in the file.</summary>
internal sealed record PickleBytes(StoredBytes Source);

/// <summary>
/// A string too long for a name, left in the file: it holds the elements of an array. Python 2 writes raw bytes, Python 3
/// writes UTF-8 text.
/// </summary>
internal sealed record PickleText(StoredBytes Bytes, bool IsUtf8);

/// <summary>Views of values that Python would convert implicitly.</summary>
internal static class PickleView
{
    /// <summary>Bytes, or a string whose characters U+0000 to U+00FF encode bytes (latin1); null for anything else.</summary>
    /// <param name="value">The value; every byte of a text is checked.</param>
    public static ByteSource? Bytes(object? value) => value switch
    {
        PickleBytes bytes => bytes.Source,
        PickleText { IsUtf8: false } text => text.Bytes,
        PickleText text => Latin1Bytes.Of(text.Bytes),
        string text when text.All(c => c <= 0xFF) => StoredBytes.Of(Encoding.Latin1.GetBytes(text)),
        _ => null,
    };

    /// <summary>The items of a list or tuple; null for anything else.</summary>
    public static IReadOnlyList<object?>? Items(object? value) => value switch
    {
        PickleTuple tuple => tuple.Items,
        PickleList list => list.Items,
        _ => null,
    };

    /// <summary>
    /// The non-negative integers of a tuple or list with at most <paramref name="most"/> items; null for anything else.
    /// </summary>
    public static long[]? Extents(object? value, int most)
    {
        if (Items(value) is not { } items || items.Count > most)
            return null;
        var extents = new long[items.Count];
        for (var i = 0; i < extents.Length; i++)
        {
            if (items[i] is not long extent || extent < 0)
                return null;
            extents[i] = extent;
        }
        return extents;
    }

    /// <summary>Describes a value in a few words, for a message.</summary>
    public static string Describe(object? value) => value switch
    {
        null => "None",
        bool => "a bool",
        long or System.Numerics.BigInteger => "a number",
        double => "a number",
        string or PickleText => "a string",
        PickleBytes => "bytes",
        PickleDictionary dictionary => $"a dictionary of {dictionary.Items.Count} entries",
        PickleList list => $"a list of {list.Items.Count} items",
        PickleTuple tuple => $"a tuple of {tuple.Items.Count} items",
        PickleGlobal global => $"the name {WeightsException.Quote(global.Name)}",
        PickleObject instance => $"an object of the class {WeightsException.Quote(instance.ClassName)}",
        TorchTensor or NumpyArray => "a single tensor without a name",
        _ => "something that is not a tensor",
    };
}
