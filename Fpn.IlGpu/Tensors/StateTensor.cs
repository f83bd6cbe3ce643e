namespace Fpn.IlGpu.Tensors;

/// <summary>
/// A named tensor on the host. Its elements stay where they are stored; reading converts them to float. Each reader of a file
/// format derives its own class (contiguous bytes of a mapped file, a strided view into a shared storage …). Instances are safe
/// to read from several threads.
/// </summary>
public abstract class StateTensor
{
    private const int MostAxes = 32;
    private readonly int[] shape;

    /// <summary>Creates a tensor with this name, shape and stored type.</summary>
    /// <param name="name">The tensor's name in the file.</param>
    /// <param name="shape">Extent of each axis, outermost first; empty for a scalar. Copied.</param>
    /// <param name="dataType">How the file stores the elements.</param>
    /// <exception cref="WeightsException">An extent is negative, there are more than 32 axes, or the elements are
    /// too many to count.</exception>
    protected StateTensor(string name, ReadOnlySpan<int> shape, DataType dataType)
    {
        ArgumentNullException.ThrowIfNull(name);
        Name = name;
        DataType = dataType;
        this.shape = shape.ToArray();
        Shape = Array.AsReadOnly(this.shape);
        if (shape.Length > MostAxes)
        {
            throw new WeightsException(
                $"Tensor {WeightsException.Quote(name)} has {shape.Length} axes; the limit is {MostAxes}.");
        }

        long count = 1;
        foreach (var extent in shape)
        {
            if (extent < 0)
            {
                throw new WeightsException(
                    $"Tensor {WeightsException.Quote(name)} has a negative extent in its shape {Show(shape)}.");
            }

            if (!TryMultiply(count, extent, out count))
            {
                throw new WeightsException(
                    $"Tensor {WeightsException.Quote(name)} has the shape {Show(shape)}, too large to count.");
            }
        }
        Count = count;
    }

    /// <summary>The name in the file.</summary>
    public string Name { get; }

    /// <summary>Extent of each axis, outermost (slowest) first; empty for a scalar.</summary>
    public IReadOnlyList<int> Shape { get; }

    /// <summary>How the elements are stored.</summary>
    public DataType DataType { get; }

    /// <summary>The number of elements: the product of the shape.</summary>
    public long Count { get; }

    /// <summary>Whether a part can be read without the rest; otherwise reading one part after another is slow.</summary>
    internal virtual bool CanReadParts => false;

    /// <summary>Creates a tensor from values in memory, which are not copied.</summary>
    /// <exception cref="ArgumentException">The number of values is not the product of the shape.</exception>
    /// <exception cref="WeightsException">The shape is invalid (a negative extent …).</exception>
    public static StateTensor FromValues(string name, ReadOnlySpan<int> shape, ReadOnlyMemory<float> values)
    {
        var tensor = new ValuesTensor(name, shape, values);
        if (tensor.Count != values.Length)
        {
            throw new ArgumentException(
                $"Tensor '{name}' has the shape {Show(shape)} but {values.Length} values.", nameof(values));
        }

        return tensor;
    }

    /// <summary>Converts every element to float, in row-major order. NaN and infinity are kept.</summary>
    /// <param name="values">Receives exactly <see cref="Count"/> elements.</param>
    /// <exception cref="ArgumentException"><paramref name="values"/> has another length.</exception>
    /// <exception cref="WeightsException">The stored elements can't be read.</exception>
    /// <exception cref="ObjectDisposedException">The dictionary that the tensor came from is disposed.</exception>
    public void ReadTo(Span<float> values)
    {
        if (values.Length != Count)
        {
            throw new ArgumentException(
                $"Tensor '{Name}' of shape {Show(shape)} has {Count} elements, not {values.Length}.", nameof(values));
        }

        Read(values);
    }

    /// <summary>Converts some elements to float, in row-major order.</summary>
    /// <param name="first">The index of the first element.</param>
    /// <param name="values">Receives the elements, as many as it has room for.</param>
    /// <exception cref="ArgumentOutOfRangeException">The tensor has fewer elements.</exception>
    /// <exception cref="WeightsException">The stored elements can't be read.</exception>
    /// <exception cref="ObjectDisposedException">The dictionary that the tensor came from is disposed.</exception>
    public void ReadTo(Span<float> values, long first)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(values.Length, Count - first);
        Read(first, values);
    }

    /// <summary>Returns every element as float, in row-major order.</summary>
    /// <exception cref="WeightsException">There are more elements than an array can hold.</exception>
    /// <exception cref="ObjectDisposedException">The dictionary that the tensor came from is disposed.</exception>
    public float[] ToArray()
    {
        if (Count > Array.MaxLength)
        {
            throw new WeightsException(
                $"Tensor {WeightsException.Quote(Name)} has {Count} elements, more than an array can hold.");
        }

        var values = GC.AllocateUninitializedArray<float>((int)Count);
        Read(values);
        return values;
    }

    /// <summary>Converts every element to float, in row-major order.</summary>
    /// <param name="values">Receives exactly <see cref="Count"/> elements.</param>
    protected abstract void Read(Span<float> values);

    /// <summary>Converts some elements to float. Unless it is overridden, it reads the whole tensor.</summary>
    /// <param name="first">The index of the first element.</param>
    /// <param name="values">Receives the elements; no longer than the rest of the tensor.</param>
    protected virtual void Read(long first, Span<float> values)
        => ToArray().AsSpan((int)first, values.Length).CopyTo(values);

    internal bool HasShape(ReadOnlySpan<int> expected) => expected.SequenceEqual(shape);

    internal static string Show(ReadOnlySpan<int> shape)
    {
        IEnumerable<int> shown = shape[..Math.Min(shape.Length, MostAxes)].ToArray();
        return $"[{string.Join(", ", shown)}{(shape.Length > MostAxes ? ", …" : "")}]";
    }

    internal string ShowShape() => Show(shape);

    private static bool TryMultiply(long count, int extent, out long product)
    {
        product = unchecked(count * extent);
        return Math.BigMul(count, extent, out _) == 0 && product >= 0;
    }

    private sealed class ValuesTensor(string name, ReadOnlySpan<int> shape, ReadOnlyMemory<float> stored)
        : StateTensor(name, shape, DataType.F32)
    {
        internal override bool CanReadParts => true;

        protected override void Read(Span<float> values) => stored.Span.CopyTo(values);

        protected override void Read(long first, Span<float> values) => stored.Span.Slice((int)first, values.Length).CopyTo(values);
    }
}
