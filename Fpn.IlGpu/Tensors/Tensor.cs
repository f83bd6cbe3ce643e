using Fpn.IlGpu.Runtime;
using ILGPU;

namespace Fpn.IlGpu.Tensors;

/// <summary>float32 values [N, H, W, C] in device memory. Disposing returns the memory to the device's pool.</summary>
internal sealed class Tensor : IDisposable
{
    private readonly DeviceArray<float> values;
    private readonly long offset;
    private readonly IDisposable? owned;

    private Tensor(DeviceArray<float> values, Shape shape, long offset, IDisposable? owned)
    {
        this.values = values;
        this.offset = offset;
        this.owned = owned;
        Shape = shape;
        View = values.View.SubView(offset, shape.Length);
    }

    /// <summary>The shape, [N, H, W, C].</summary>
    public Shape Shape { get; }

    /// <summary>The view that kernels take.</summary>
    public ArrayView<float> View { get; }

    /// <summary>Whether the tensor begins at a multiple of four values (16 bytes), as all but slices do.</summary>
    public bool IsAligned => offset % 4 == 0;

    /// <summary>Rents a tensor. Its values are uninitialised.</summary>
    /// <exception cref="DeviceException">The device is out of memory, or the tensor has 2³¹ elements or more.</exception>
    public static Tensor Rent(Device device, Shape shape)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (shape.Length > int.MaxValue)
        {
            throw new DeviceException(
                $"A map of {shape} has more values than kernels can index (2³¹); use a smaller picture or batch.");
        }
        var values = device.Rent<float>(shape.Length);
        return new Tensor(values, shape, 0, owned: values);
    }

    /// <summary>Copies values, in [N, H, W, C] order, to the device.</summary>
    /// <exception cref="ArgumentException">The number of values is not that of the shape.</exception>
    public static Tensor Upload(Device device, Shape shape, ReadOnlySpan<float> source)
    {
        if (source.Length != shape.Length)
            throw new ArgumentException($"{source.Length} values don't fill a tensor of {shape}.", nameof(source));
        var tensor = Rent(device, shape);
        tensor.values.Upload(source);
        return tensor;
    }

    /// <summary>Waits for all queued work and copies the values to the host, in [N, H, W, C] order.</summary>
    public float[] ToArray() => values.Download(View);

    /// <summary>Returns the same values with another shape of the same length. This tensor stays their owner.</summary>
    public Tensor As(Shape shape) => shape.Length == Shape.Length
        ? new Tensor(values, shape, offset, owned: null)
        : throw new ArgumentException($"A tensor of {Shape} can't be viewed as {shape}.", nameof(shape));

    /// <inheritdoc/>
    public void Dispose() => owned?.Dispose();

    /// <summary>Returns a part of an array, beginning at an element, as a tensor. The array stays the owner.</summary>
    /// <param name="array">The array.</param>
    /// <param name="offset">The index of the first element.</param>
    /// <param name="shape">The shape of the part.</param>
    /// <param name="share">What disposing the tensor disposes instead of the array; or null.</param>
    public static Tensor Slice(DeviceArray<float> array, long offset, Shape shape, IDisposable? share = null)
        => new(array, shape, offset, share);
}
