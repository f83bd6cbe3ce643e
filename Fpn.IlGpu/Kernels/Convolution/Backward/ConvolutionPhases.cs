using System.Numerics;
using System.Runtime.InteropServices;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// Interleaves the phases of the gradient of a strided convolution (<see cref="ConvolutionBackwardData"/>):
/// <code>
/// din[n, y0 + y·s, x0 + x·s, c] (+)= phase[n, y, x, c]
/// </code>
/// </summary>
internal static class ConvolutionPhases
{
    /// <summary>Writes or adds the pixels of one phase; leaves all others unchanged.</summary>
    /// <param name="device">The device that holds both tensors.</param>
    /// <param name="phase">[N, h, w, C].</param>
    /// <param name="first">y0 and x0, in px of din.</param>
    /// <param name="stride">s along y and x, in px.</param>
    /// <param name="output">din, [N, H, W, C].</param>
    /// <param name="accumulate">Whether to add to din instead of overwriting it.</param>
    public static void Place(Device device, Tensor phase, (int Y, int X) first, (int Y, int X) stride, Tensor output, bool accumulate)
    {
        var (from, to) = (phase.Shape, output.Shape);
        var sizes = new Sizes(
            from.H, from.W, to.H, to.W, to.C, first.Y, first.X, stride.Y, stride.X, from.N * from.H * from.W, accumulate ? 1 : 0);
        var grain = Grain.For(device, sizes.Pixels, sizes.Channels);
        device.Launch(PlaceKernel, grain.Threads(sizes.Pixels, sizes.Channels), phase.View, sizes, grain, output.View);
    }

    /// <summary>One thread = some pixels of the phase × some channels (see <see cref="Grain"/>).</summary>
    internal static void PlaceKernel(Index1D index, ArrayView<float> phase, Sizes sizes, Grain grain, ArrayView<float> output)
    {
        var parts = (sizes.Channels + grain.Channels - 1) / grain.Channels;
        var c = index % parts * grain.Channels;
        var channels = IntrinsicMath.Min(grain.Channels, sizes.Channels - c);
        var first = index / parts * grain.Pixels;
        var end = IntrinsicMath.Min(first + grain.Pixels, sizes.Pixels);
        for (var pixel = first; pixel < end; pixel++)
        {
            var x = sizes.FirstX + pixel % sizes.PhaseW * sizes.StrideX;
            var y = sizes.FirstY + pixel / sizes.PhaseW % sizes.PhaseH * sizes.StrideY;
            var n = pixel / sizes.PhaseW / sizes.PhaseH;
            var to = ((n * sizes.OutputH + y) * sizes.OutputW + x) * sizes.Channels + c;
            Write(phase, pixel * sizes.Channels + c, channels, sizes.Accumulate, to, output);
        }
    }

    /// <summary>The CPU body: the channels of one pixel, by SIMD.</summary>
    [IntrinsicImplementation]
    public static void Write(ArrayView<float> phase, int from, int count, int accumulate, int to, ArrayView<float> output)
    {
        if (accumulate == 0)
        {
            MemoryMarshal.CreateReadOnlySpan(ref phase[from], count).CopyTo(MemoryMarshal.CreateSpan(ref output[to], count));
            return;
        }
        var i = 0;
        for (; i + Vector<float>.Count <= count; i += Vector<float>.Count)
            ChannelRun.Store(ChannelRun.Load(output, to + i) + ChannelRun.Load(phase, from + i), output, to + i);
        for (; i < count; i++)
            output[to + i] += phase[from + i];
    }

    /// <summary>The GPU body: usually one channel.</summary>
    [DeviceBody(nameof(Write))]
    public static void WriteOnDevice(ArrayView<float> phase, int from, int count, int accumulate, int to, ArrayView<float> output)
    {
        for (var i = 0; i < count; i++)
            output[to + i] = accumulate != 0 ? output[to + i] + phase[from + i] : phase[from + i];
    }

    /// <summary>The sizes of a phase and of the gradient that it is written to.</summary>
    internal readonly record struct Sizes(
        int PhaseH, int PhaseW, int OutputH, int OutputW, int Channels, int FirstY, int FirstX, int StrideY, int StrideX, int Pixels,
        int Accumulate);
}
