using Fpn.IlGpu.Runtime;
using ILGPU;

namespace Fpn.IlGpu.Tensors;

/// <summary>
/// float32 values [N, H, W, C] in a device's memory. Disposing gives the memory back to the device's pool.
/// </summary>
internal sealed class Tensor : IDisposable
{
    private readonly DeviceArray<float> values;
    private readonly long offset;
    private readonly bool ownsValues;

    private Tensor(DeviceArray<float> values, Shape shape, long offset, bool ownsValues)
    {
        this.values = values;
        this.offset = offset;
        this.ownsValues = ownsValues;
        Shape = shape;
        View = values.View.SubView(offset, shape.Length);
    }

    /// <summary>Its size.</summary>
    public Shape Shape { get; }

    /// <summary>What kernels take.</summary>
    public ArrayView<float> View { get; }

    /// <summary>Whether it begins on a multiple of four values, 16 bytes, as all but slices do.</summary>
    public bool IsAligned => offset % 4 == 0;

    /// <summary>Rents a tensor; its values are whatever was there.</summary>
    /// <exception cref="DeviceException">The device is out of memory, or the tensor has 2³¹ elements or more.</exception>
    public static Tensor Rent(Device device, Shape shape)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (shape.Length > int.MaxValue)
        {
            throw new DeviceException(
                $"A map of {shape} has more values than kernels can index (2³¹); a smaller picture or batch would help.");
        }
        return new Tensor(device.Rent<float>(shape.Length), shape, 0, ownsValues: true);
    }

    /// <summary>Copies values, in [N, H, W, C] order, to a device.</summary>
    /// <exception cref="ArgumentException">The number of values is not the shape's.</exception>
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

    /// <summary>The same values under another shape of as many; this tensor stays their owner.</summary>
    public Tensor As(Shape shape) => shape.Length == Shape.Length
        ? new Tensor(values, shape, offset, ownsValues: false)
        : throw new ArgumentException($"A tensor of {Shape} is none of {shape}.", nameof(shape));

    /// <inheritdoc/>
    public void Dispose()
    {
        if (ownsValues)
            values.Dispose();
    }

    /// <summary>A part of an array, from an element on, as a tensor; the array stays its owner.</summary>
    public static Tensor Slice(DeviceArray<float> array, long offset, Shape shape)
        => new(array, shape, offset, ownsValues: false);
}
