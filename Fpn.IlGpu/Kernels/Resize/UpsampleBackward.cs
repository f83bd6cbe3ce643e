using System.Numerics;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The gradient of nearest-neighbour upsampling (see <see cref="UpsampleMerge"/>). A coarse pixel gets the sum over the pixels that read
/// it. These form a rectangle, whose size may differ from pixel to pixel, because sizes need not be multiples of one another.
/// <code>dtop[n, ty, tx, c] += Σ dout[n, y, x, c]   over y, x with ⌊y·Ht/H⌋ = ty and ⌊x·Wt/W⌋ = tx</code>
/// The gradient of the lateral is that of the output, unchanged.
/// </summary>
internal static class UpsampleBackward
{
    /// <summary>Adds the gradient to that of the coarser map.</summary>
    /// <param name="device">The device that holds both tensors.</param>
    /// <param name="outputGradient">dout, [N, H, W, C].</param>
    /// <param name="topGradient">dtop, [N, Ht, Wt, C], to which the gradient is added.</param>
    public static void Run(Device device, Tensor outputGradient, Tensor topGradient)
    {
        var (output, top) = (outputGradient.Shape, topGradient.Shape);
        if (output.N != top.N || output.C != top.C)
            throw new ArgumentException($"A map of {top} can't have been upsampled to one of {output}.", nameof(topGradient));
        var pixels = top.Pixels;
        var grain = Grain.For(device, pixels, top.C);
        var sizes = new Sizes(output, NearestUpsampling.Between(top, output), pixels);
        device.Launch(Kernel, grain.Threads(pixels, top.C), outputGradient.View, sizes, grain, topGradient.View);
    }

    /// <summary>One thread = some coarse pixels × some channels (see <see cref="Grain"/>).</summary>
    internal static void Kernel(Index1D index, ArrayView<float> outputGradient, Sizes sizes, Grain grain, ArrayView<float> topGradient)
    {
        var channels = sizes.Output.C;
        var (topH, topW) = (sizes.Upsampling.TopH, sizes.Upsampling.TopW);
        var parts = (channels + grain.Channels - 1) / grain.Channels;
        var c = index % parts * grain.Channels;
        var count = IntrinsicMath.Min(grain.Channels, channels - c);
        var first = index / parts * grain.Pixels;
        var end = IntrinsicMath.Min(first + grain.Pixels, sizes.TopPixels);
        for (var pixel = first; pixel < end; pixel++)
        {
            var (tx, ty, n) = (pixel % topW, pixel / topW % topH, pixel / topW / topH);
            var y = FirstReader(ty, topH, sizes.Output.H, sizes.Upsampling.RatioY);
            var x = FirstReader(tx, topW, sizes.Output.W, sizes.Upsampling.RatioX);
            var rows = FirstReader(ty + 1, topH, sizes.Output.H, sizes.Upsampling.RatioY) - y;
            var columns = FirstReader(tx + 1, topW, sizes.Output.W, sizes.Upsampling.RatioX) - x;
            var from = ((n * sizes.Output.H + y) * sizes.Output.W + x) * channels + c;
            var window = new MaxPool.Window(from, rows, columns, sizes.Output.W * channels, channels);
            AddSum(outputGradient, window, count, pixel * channels + c, topGradient);
        }
    }

    /// <summary>The CPU body: the channels of one coarse pixel, by SIMD.</summary>
    [IntrinsicImplementation]
    public static void AddSum(ArrayView<float> from, MaxPool.Window window, int count, int to, ArrayView<float> sums)
    {
        var c = 0;
        for (; c + Vector<float>.Count <= count; c += Vector<float>.Count)
        {
            var sum = ChannelRun.Load(sums, to + c);
            for (var i = 0; i < window.Rows * window.Columns; i++)
                sum += ChannelRun.Load(from, window.At(i) + c);
            ChannelRun.Store(sum, sums, to + c);
        }
        AddSumOnDevice(from, window with { From = window.From + c }, count - c, to + c, sums);
    }

    /// <summary>The GPU body: usually one channel of one coarse pixel.</summary>
    [DeviceBody(nameof(AddSum))]
    public static void AddSumOnDevice(ArrayView<float> from, MaxPool.Window window, int count, int to, ArrayView<float> sums)
    {
        for (var c = 0; c < count; c++)
        {
            var sum = sums[to + c];
            for (var i = 0; i < window.Rows * window.Columns; i++)
                sum += from[window.At(i) + c];
            sums[to + c] = sum;
        }
    }

    /// <summary>Returns the first pixel that reads a coarse pixel or one after it, with exactly the forward pass's rounding.</summary>
    private static int FirstReader(int top, int topSize, int size, float ratio)
    {
        if (top >= topSize)
            return size;
        var first = IntrinsicMath.Clamp((int)(top / ratio), 0, size);
        while (first > 0 && (int)((first - 1) * ratio) >= top)
            first--;
        while (first < size && (int)(first * ratio) < top)
            first++;
        return first;
    }

    internal readonly record struct Sizes(Shape Output, NearestUpsampling Upsampling, int TopPixels);
}
