using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// A view of bytes that may be shared, transposed, repeated or big-endian. Element (i, j, …) is at
/// <c>offset + i · stride[0] + j · stride[1] + …</c>.
/// </summary>
internal sealed class StridedTensor : StateTensor
{
    private readonly ByteSource bytes;
    private readonly long offset;
    private readonly long[] strides;
    private readonly int span;
    private readonly bool bigEndian;

    /// <summary>Creates a view. The caller must have checked that it is within the bytes.</summary>
    /// <param name="name">The tensor's name.</param>
    /// <param name="shape">Extent of each axis, outermost first.</param>
    /// <param name="type">The type of the elements.</param>
    /// <param name="bytes">The bytes of the elements.</param>
    /// <param name="offset">The offset of the first element, in bytes.</param>
    /// <param name="strides">The stride of each axis, in elements; 0 repeats the same element.</param>
    /// <param name="span">The number of elements from the first to the last, both included; 0 for a dense tensor.</param>
    /// <param name="bigEndian">Whether elements are big-endian.</param>
    public StridedTensor(
        string name, ReadOnlySpan<int> shape, DataType type, ByteSource bytes, long offset, long[] strides, int span, bool bigEndian)
        : base(name, shape, type)
    {
        this.bytes = bytes;
        this.offset = offset;
        this.strides = strides;
        this.span = span;
        this.bigEndian = bigEndian;
    }

    // A tensor that is not contiguous, or must be decoded from its beginning, is read as a whole.
    internal override bool CanReadParts => span == 0 && !bytes.IsSequential;

    protected override void Read(Span<float> values)
    {
        if (values.IsEmpty)
            return;
        if (span == 0)
        {
            bytes.Read(offset, DataType, bigEndian, values);
            return;
        }
        var stored = GC.AllocateUninitializedArray<float>(span);
        bytes.Read(offset, DataType, bigEndian, stored);
        Gather(stored, values);
    }

    protected override void Read(long first, Span<float> values)
    {
        if (CanReadParts)
            bytes.Read(offset + first * DataType.Bytes(), DataType, bigEndian, values);
        else
            base.Read(first, values);
    }

    /// <summary>Gathers row by row. The outer indices advance like the digits of an odometer.</summary>
    private void Gather(float[] stored, Span<float> values)
    {
        int axes = Shape.Count, row = Shape[^1];
        var index = new int[axes];
        long rowBegin = 0, step = strides[^1];
        for (var at = 0; at < values.Length; at += row)
        {
            for (var i = 0; i < row; i++)
                values[at + i] = stored[rowBegin + i * step];
            for (var axis = axes - 2; axis >= 0; axis--)
            {
                rowBegin += strides[axis];
                if (++index[axis] < Shape[axis])
                    break;
                rowBegin -= index[axis] * strides[axis];
                index[axis] = 0;
            }
        }
    }
}
