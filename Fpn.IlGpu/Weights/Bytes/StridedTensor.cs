using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// A tensor that is a view of bytes which may be shared, transposed, repeated or big-endian:
/// element (i, j, …) lies at <c>offset + i · stride[0] + j · stride[1] + …</c>.
/// </summary>
internal sealed class StridedTensor : StateTensor
{
    private readonly ByteSource bytes;
    private readonly long offset;
    private readonly long[] strides;
    private readonly int span;
    private readonly bool bigEndian;

    /// <summary>A view, of which the caller has made sure that it lies within the bytes.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="shape">Extent of each axis, outermost first.</param>
    /// <param name="type">What the elements are.</param>
    /// <param name="bytes">Where they lie.</param>
    /// <param name="offset">The byte at which the first element begins.</param>
    /// <param name="strides">For each axis, how many elements the next index is away; 0 repeats the same.</param>
    /// <param name="span">Elements from the first to the last, both included; 0 for one that lies without gaps.</param>
    /// <param name="bigEndian">Whether elements begin with their most significant byte.</param>
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

    // What is not one run, or has to be decoded from its beginning, is read as a whole.
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

    /// <summary>Row by row: the outer indices count on like the digits of an odometer.</summary>
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
