using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// Sums over the pixels of each picture, for gradients of layers that treat each picture's channels alike:
/// <code>
/// values[n, c]   = Σ y, x  a[n, y, x, c]
/// products[n, c] = Σ y, x  a[n, y, x, c] · b[n, y, x, c]
/// </code>
/// The pixels are split into parts of a fixed size, whose sums are added in a fixed order: the same bits on any number of threads.
/// </summary>
internal sealed class PictureSums : IDisposable
{
    private const int PixelsPerPart = 256;

    private readonly DeviceArray<float> values;
    private readonly DeviceArray<float> products;

    private PictureSums(DeviceArray<float> values, DeviceArray<float> products) => (this.values, this.products) = (values, products);

    /// <summary>The sums of a, [N, C].</summary>
    public ArrayView<float> Values => values.View;

    /// <summary>The sums of a · b, [N, C].</summary>
    public ArrayView<float> Products => products.View;

    /// <summary>Computes the sums; the caller disposes them.</summary>
    /// <param name="device">The device that holds both tensors.</param>
    /// <param name="a">a, [N, H, W, C].</param>
    /// <param name="b">b, [N, H, W, C].</param>
    public static PictureSums Of(Device device, Tensor a, Tensor b)
    {
        var shape = a.Shape;
        var parts = Division.CeilDiv(shape.H * shape.W, PixelsPerPart);
        var sizes = new Sizes(shape.H * shape.W, shape.C, parts);
        using var partValues = device.Rent<float>((long)shape.N * parts * shape.C);
        using var partProducts = device.Rent<float>((long)shape.N * parts * shape.C);
        var sums = new PictureSums(device.Rent<float>((long)shape.N * shape.C), device.Rent<float>((long)shape.N * shape.C));
        device.Launch(PartKernel, shape.N * parts * shape.C, a.View, b.View, sizes, partValues.View, partProducts.View);
        device.Launch(CombineKernel, shape.N * shape.C, partValues.View, partProducts.View, sizes, sums.Values, sums.Products);
        return sums;
    }

    /// <summary>One thread = one channel of one part of a picture's pixels: its sums, [N, parts, C].</summary>
    internal static void PartKernel(
        Index1D index, ArrayView<float> a, ArrayView<float> b, Sizes sizes, ArrayView<float> partValues, ArrayView<float> partProducts)
    {
        var c = index % sizes.Channels;
        var part = index / sizes.Channels % sizes.Parts;
        var n = index / sizes.Channels / sizes.Parts;
        var first = part * PixelsPerPart;
        var end = IntrinsicMath.Min(first + PixelsPerPart, sizes.Pixels);
        var (value, product) = (0f, 0f);
        for (var p = first; p < end; p++)
        {
            var at = (n * sizes.Pixels + p) * sizes.Channels + c;
            value += a[at];
            product += a[at] * b[at];
        }
        partValues[index] = value;
        partProducts[index] = product;
    }

    /// <summary>One thread = one channel of one picture: adds up its parts.</summary>
    internal static void CombineKernel(
        Index1D index, ArrayView<float> partValues, ArrayView<float> partProducts, Sizes sizes, ArrayView<float> values,
        ArrayView<float> products)
    {
        var first = index / sizes.Channels * sizes.Parts * sizes.Channels + index % sizes.Channels;
        var (value, product) = (0f, 0f);
        for (var part = 0; part < sizes.Parts; part++)
        {
            value += partValues[first + part * sizes.Channels];
            product += partProducts[first + part * sizes.Channels];
        }
        values[index] = value;
        products[index] = product;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        values.Dispose();
        products.Dispose();
    }

    internal readonly record struct Sizes(int Pixels, int Channels, int Parts);
}
