using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// A piece of memory that PyTorch tensors are views of. In a pickle it is a reference to something outside (a persistent
/// id): ('storage', class of the storage, key, device, number of elements), and in the legacy format one item more, None
/// or, for a part of another storage, (key of the part, first element, number of elements).
/// Source: persistent_id and persistent_load in PyTorch's torch/serialization.py.
/// </summary>
/// <param name="Key">Names the storage within the file.</param>
/// <param name="Type">What its elements are.</param>
/// <param name="Count">How many elements it has in the file.</param>
/// <param name="PartBegin">The first element of the part that tensors see.</param>
/// <param name="PartCount">How many elements they see.</param>
internal sealed record TorchStorage(string Key, DataType Type, long Count, long PartBegin, long PartCount)
{
    /// <summary>The bytes of the whole storage.</summary>
    public long Bytes => Count * Type.Bytes();

    /// <summary>What a persistent id stands for; null if it is none of a storage.</summary>
    public static TorchStorage? FromPersistentId(object? id)
    {
        if (PickleView.Items(id) is not { Count: 5 or 6 } items)
            return null;
        if (items is not ["storage", var storageClass, string key, _, long count, ..])
            return null;
        if (PickleGlobals.StorageType(storageClass) is not { } type)
            return null;
        if (count < 0 || count > long.MaxValue / 16)
            return null;
        if (items.Count == 5 || items[5] is null)
            return new TorchStorage(key, type, count, 0, count);
        if (PickleView.Items(items[5]) is not [_, long begin, long part])
            return null;
        if (begin < 0 || part < 0 || begin > count || part > count - begin)
            return null;
        return new TorchStorage(key, type, count, begin, part);
    }
}

/// <summary>
/// A tensor as the pickle describes it: a view of a storage by an offset and a stride for each axis, in elements.
/// Nothing of it is checked yet.
/// </summary>
internal sealed record TorchTensor(TorchStorage Storage, DataType Type, long Offset, object? Size, object? Stride);
