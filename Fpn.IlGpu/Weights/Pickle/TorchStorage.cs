using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// Memory that PyTorch tensors are views of. A pickle refers to it by a persistent id, a reference to an object outside the
/// pickle: ('storage', class of the storage, key, device, number of elements). The legacy format adds one item: None or, for a
/// part of another storage, (key of the part, first element, number of elements). Source: persistent_id and persistent_load in
/// PyTorch's torch/serialization.py.
/// </summary>
/// <param name="Key">The storage's key within the file.</param>
/// <param name="Type">The type of the elements.</param>
/// <param name="Count">The number of elements in the file.</param>
/// <param name="PartBegin">The first element of the part that tensors see.</param>
/// <param name="PartCount">The number of elements in that part.</param>
internal sealed record TorchStorage(string Key, DataType Type, long Count, long PartBegin, long PartCount)
{
    /// <summary>The size of the whole storage, in bytes.</summary>
    public long Bytes => Count * Type.Bytes();

    /// <summary>Parses a persistent id; null if it is not that of a storage.</summary>
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
/// A tensor as the pickle describes it: a view of a storage, with an offset and a stride for each axis, in elements. Nothing is
/// validated yet.
/// </summary>
internal sealed record TorchTensor(TorchStorage Storage, DataType Type, long Offset, object? Size, object? Stride);
