using System.Numerics;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// Creates the tensors of a checkpoint from the object that it holds. Checks that every view is within its storage, and that
/// reading all tensors takes no more work than the file's size justifies. A few bytes can claim a huge tensor: an axis of
/// stride 0 repeats one element any number of times.
/// </summary>
/// <param name="source">The file, for messages.</param>
/// <param name="storageBytes">
/// Returns the bytes of a PyTorch storage, for the tensor with this name; throws if there are none.
/// </param>
/// <param name="bigEndianStorages">Whether the elements of PyTorch storages are big-endian.</param>
internal sealed class CheckpointTensors(
    SourceName source, Func<TorchStorage, string, ByteSource> storageBytes, bool bigEndianStorages = false)
{
    private const int MostAxes = 32;

    /// <summary>The number of elements up to which a view may be larger than its storage.</summary>
    private const int SmallView = 1 << 20;

    /// <summary>The largest sequential source, in bytes: it is decoded as a whole.</summary>
    private const int LargestSequential = 1 << 30;

    /// <summary>
    /// Reading all tensors, in their stored type and then as float, may take at most this many times the bytes that their
    /// storages take in the file, plus <see cref="ReadAllowance"/>. Trained weights hardly compress at all.
    /// </summary>
    private const int MostReads = 8;

    private const long ReadAllowance = 1 << 26;

    private readonly Dictionary<string, ByteSource> storages = new(StringComparer.Ordinal);
    private readonly Dictionary<object, ByteSource> arrays = new(ReferenceEqualityComparer.Instance);
    private BigInteger work;

    /// <summary>Creates the tensors of a state dictionary that <see cref="CheckpointLayout"/> found.</summary>
    /// <exception cref="WeightsException">
    /// A tensor's view is invalid or reaches outside its storage, or reading all tensors would take too much work.
    /// </exception>
    public IReadOnlyList<StateTensor> Create(IEnumerable<KeyValuePair<string, object>> named)
    {
        List<StateTensor> tensors =
        [
            .. named.Select(item => item.Value switch
            {
                TorchTensor tensor => Torch(item.Key, tensor),
                _ => Numpy(item.Key, (NumpyArray)item.Value),
            }),
        ];
        BigInteger justified = ReadAllowance;
        foreach (var bytes in storages.Values.Concat(arrays.Values))
            justified += (BigInteger)MostReads * bytes.StoredLength;
        if (work > justified)
        {
            throw source.Wrong(
                $"reading its tensors takes {work} bytes, as they share storages or are compressed; " +
                $"a file of its size may take at most {justified}");
        }

        return tensors;
    }

    private StridedTensor Torch(string name, TorchTensor tensor)
    {
        if (PickleView.Extents(tensor.Size, MostAxes) is not { } shape)
            throw source.WrongTensor(name, "has an invalid shape");
        if (PickleView.Extents(tensor.Stride, MostAxes) is not { } strides || strides.Length != shape.Length)
            throw source.WrongTensor(name, "has invalid or negative strides");
        var storage = tensor.Storage;
        if (!storages.TryGetValue(storage.Key, out var bytes))
            storages.Add(storage.Key, bytes = storageBytes(storage, name));
        if (bytes.Length != storage.Bytes)
        {
            throw source.WrongTensor(
                name,
                $"needs a storage of {storage.Bytes} bytes, " +
                $"but the one with the key {WeightsException.Quote(storage.Key)} has {bytes.Length}");
        }

        if (tensor.Offset < 0)
            throw source.WrongTensor(name, "begins before its storage");
        var size = tensor.Type.Bytes();
        var begin = storage.PartBegin * storage.Type.Bytes();
        var count = storage.PartCount * storage.Type.Bytes() / size;
        return View(name, tensor.Type, shape, strides, bytes, begin, tensor.Offset, count, bigEndianStorages);
    }

    private StridedTensor Numpy(string name, NumpyArray array)
    {
        if (array.Type is not { } type)
            throw source.WrongTensor(name, "is a numpy array without elements");
        if (type.Type is not { } dataType)
            throw source.WrongTensor(name, $"has the numpy type {WeightsException.Quote(type.Code)}, which is not supported");
        if (PickleView.Extents(array.Shape, MostAxes) is not { } shape)
            throw source.WrongTensor(name, "has an invalid shape");
        var bytes = ArrayBytes(name, array.Data);
        var strides = array.FortranOrder ? FortranStrides(shape) : RowMajorStrides(shape);
        var count = bytes.Length / dataType.Bytes();
        if (Product(shape) * dataType.Bytes() != bytes.Length)
        {
            throw source.WrongTensor(
                name, $"needs {Product(shape) * dataType.Bytes()} bytes for {dataType} {Show(shape)}, but has {bytes.Length}");
        }

        return View(name, dataType, shape, strides, bytes, 0, 0, count, type.BigEndian);
    }

    /// <summary>
    /// The bytes of an array's elements. They are cached, because arrays may share them and checking a text reads every byte.
    /// </summary>
    private ByteSource ArrayBytes(string name, object? data)
    {
        if (data is not null && arrays.TryGetValue(data, out var known))
            return known;
        if (data is null || PickleView.Bytes(data) is not { } bytes)
            throw source.WrongTensor(name, $"has {PickleView.Describe(data)} instead of bytes for its elements");
        arrays.Add(data, bytes);
        return bytes;
    }

    /// <summary>
    /// Creates a view into <paramref name="count"/> elements that begin at byte <paramref name="begin"/>, after checking it.
    /// </summary>
    private StridedTensor View(
        string name, DataType type, long[] shape, long[] strides, ByteSource bytes, long begin, long offset, long count, bool bigEndian)
    {
        var size = type.Bytes();
        if (Array.Exists(shape, extent => extent > int.MaxValue))
            throw source.WrongTensor(name, $"has the shape {Show(shape)}, with an extent that is not supported");
        int[] extents = [.. shape.Select(extent => (int)extent)];
        var elements = Product(shape);
        if (elements.IsZero)
        {
            if (Product([.. shape.Where(extent => extent > 0)]) > int.MaxValue)
                throw source.WrongTensor(name, $"has the shape {Show(shape)}, too large to count");
            return new StridedTensor(name, extents, type, bytes, 0, strides, 0, bigEndian);
        }
        BigInteger last = offset;
        for (var axis = 0; axis < shape.Length; axis++)
            last += (BigInteger)(shape[axis] - 1) * strides[axis];
        if (last >= count)
        {
            throw source.WrongTensor(
                name,
                $"of shape {Show(shape)}, strides {Show(strides)} and offset {offset} reaches element {last} " +
                $"of its storage, which has only {count}");
        }

        if (elements > Math.Max(count, SmallView))
        {
            throw source.WrongTensor(
                name, $"has {elements} elements of shape {Show(shape)}, which repeat the {count} of its storage");
        }

        var dense = strides.AsSpan().SequenceEqual(RowMajorStrides(shape, strides));
        var span = (long)last - offset + 1;
        if (!dense && span > Array.MaxLength)
            throw source.WrongTensor(name, $"spans {span} elements of its storage, more than can be read at once");
        RefuseLargeSequential(name, bytes);
        var first = begin + offset * size;
        Spend((bytes.IsSequential ? first : 0) + span * size);
        Spend((long)elements * sizeof(float));
        return new StridedTensor(name, extents, type, bytes, first, strides, dense ? 0 : (int)span, bigEndian);
    }

    private void RefuseLargeSequential(string name, ByteSource bytes)
    {
        if (bytes.IsSequential && bytes.Length > LargestSequential)
        {
            throw source.WrongTensor(
                name, $"is stored in {bytes.Length} compressed or encoded bytes; the limit is {LargestSequential}: save it uncompressed");
        }
    }

    private void Spend(long bytes) => work += bytes;

    /// <summary>
    /// The strides of a dense row-major tensor. An axis of one element keeps its given stride, which is never used.
    /// </summary>
    private static long[] RowMajorStrides(long[] shape, long[]? given = null)
    {
        var strides = new long[shape.Length];
        long next = 1;
        for (var axis = shape.Length - 1; axis >= 0; axis--)
        {
            strides[axis] = shape[axis] == 1 && given is not null ? given[axis] : next;
            next = unchecked(next * shape[axis]);
        }
        return strides;
    }

    private static long[] FortranStrides(long[] shape)
    {
        var strides = RowMajorStrides([.. shape.Reverse()]);
        Array.Reverse(strides);
        return strides;
    }

    private static BigInteger Product(long[] shape)
        => shape.Aggregate(BigInteger.One, (product, extent) => product * extent);

    private static string Show(long[] numbers) => $"[{string.Join(", ", numbers)}]";
}
