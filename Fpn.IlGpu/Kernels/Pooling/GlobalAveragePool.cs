using System.Numerics;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The mean of every channel of a picture:
/// <code>out[n, 0, 0, c] = Σ y, x  in[n, y, x, c] / (H · W)</code>
/// Parts of the pixels are summed first, then the parts, so that no thread walks a whole map and no two threads write to the same place.
/// </summary>
internal static class GlobalAveragePool
{
    private const int PixelsPerPart = 256;

    /// <summary>Computes the means.</summary>
    /// <param name="device">The device that holds all tensors.</param>
    /// <param name="input">[N, H, W, C].</param>
    /// <param name="output">[N, 1, 1, C].</param>
    public static void Run(Device device, Tensor input, Tensor output)
    {
        var shape = input.Shape;
        if (output.Shape != new Shape(shape.N, 1, 1, shape.C))
            throw new ArgumentException($"The output must be [{shape.N}, 1, 1, {shape.C}], not {output.Shape}.", nameof(output));
        var parts = Division.CeilDiv(shape.H * shape.W, PixelsPerPart);
        var chunk = device.Info.Kind == DeviceKind.Cpu ? shape.C : 1;
        var sizes = new Sizes(shape.H * shape.W, shape.C, parts, chunk);
        using var partial = device.Rent<float>((long)shape.N * parts * shape.C);
        device.Launch(SumKernel, shape.N * parts * Division.CeilDiv(shape.C, chunk), input.View, sizes, partial.View);
        device.Launch(MeanKernel, shape.N * shape.C, partial.View, sizes, output.View);
    }

    /// <summary>One thread = some channels of one part of a picture's pixels: their sums, [N, parts, C].</summary>
    internal static void SumKernel(Index1D index, ArrayView<float> input, Sizes sizes, ArrayView<float> partial)
    {
        var chunks = (sizes.Channels + sizes.Chunk - 1) / sizes.Chunk;
        var c = index % chunks * sizes.Chunk;
        var count = IntrinsicMath.Min(sizes.Chunk, sizes.Channels - c);
        var part = index / chunks % sizes.Parts;
        var n = index / chunks / sizes.Parts;
        var first = part * PixelsPerPart;
        var pixels = IntrinsicMath.Min(PixelsPerPart, sizes.Pixels - first);
        var from = (n * sizes.Pixels + first) * sizes.Channels + c;
        Add(input, from, sizes.Channels, pixels, count, (n * sizes.Parts + part) * sizes.Channels + c, partial);
    }

    /// <summary>One thread = the mean of one channel c of one picture n.</summary>
    internal static void MeanKernel(Index1D index, ArrayView<float> partial, Sizes sizes, ArrayView<float> output)
    {
        var c = index % sizes.Channels;
        var first = index / sizes.Channels * sizes.Parts * sizes.Channels + c;
        var sum = 0f;
        for (var part = 0; part < sizes.Parts; part++)
            sum += partial[first + part * sizes.Channels];
        output[index] = sum / sizes.Pixels;
    }

    /// <summary>The CPU body: sums over pixels, several channels at a time by SIMD.</summary>
    [IntrinsicImplementation]
    public static void Add(ArrayView<float> input, int from, int step, int pixels, int count, int to, ArrayView<float> partial)
    {
        var c = 0;
        for (; c + Vector<float>.Count <= count; c += Vector<float>.Count)
        {
            var sum = Vector<float>.Zero;
            for (var p = 0; p < pixels; p++)
                sum += ChannelRun.Load(input, from + p * step + c);
            ChannelRun.Store(sum, partial, to + c);
        }
        AddOnDevice(input, from + c, step, pixels, count - c, to + c, partial);
    }

    /// <summary>The GPU body: usually one channel.</summary>
    [DeviceBody(nameof(Add))]
    public static void AddOnDevice(ArrayView<float> input, int from, int step, int pixels, int count, int to, ArrayView<float> partial)
    {
        for (var c = 0; c < count; c++)
        {
            var sum = 0f;
            for (var p = 0; p < pixels; p++)
                sum += input[from + p * step + c];
            partial[to + c] = sum;
        }
    }

    internal readonly record struct Sizes(int Pixels, int Channels, int Parts, int Chunk);
}
