using System.Numerics;
using System.Runtime.InteropServices;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// Puts the phases of a strided convolution's gradient (<see cref="ConvolutionBackwardData"/>) between one another:
/// <code>
/// din[n, y0 + y·s, x0 + x·s, c] (+)= phase[n, y, x, c]
/// </code>
/// </summary>
internal static class ConvolutionPhases
{
    /// <summary>Writes or adds the pixels of one phase; the others are left as they are.</summary>
    /// <param name="device">Where both tensors are.</param>
    /// <param name="phase">[N, h, w, C].</param>
    /// <param name="first">y0, x0.</param>
    /// <param name="stride">s.</param>
    /// <param name="output">din, [N, H, W, C].</param>
    /// <param name="accumulate">Whether to add.</param>
    public static void Place(Device device, Tensor phase, (int Y, int X) first, (int Y, int X) stride, Tensor output, bool accumulate)
    {
        var (from, to) = (phase.Shape, output.Shape);
        var sizes = new Sizes(
            from.H, from.W, to.H, to.W, to.C, first.Y, first.X, stride.Y, stride.X, from.N * from.H * from.W, accumulate ? 1 : 0);
        var grain = Grain.For(device, sizes.Pixels, sizes.Channels);
        device.Launch(PlaceKernel, grain.Threads(sizes.Pixels, sizes.Channels), phase.View, sizes, grain, output.View);
    }

    /// <summary>Writes zeros.</summary>
    public static void Clear(Device device, Tensor output)
    {
        var length = (int)output.Shape.Length;
        var grain = Grain.For(device, length, 1);
        device.Launch(ClearKernel, grain.Threads(length, 1), length, grain, output.View);
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

    /// <summary>One thread = some values (see <see cref="Grain"/>).</summary>
    internal static void ClearKernel(Index1D index, int length, Grain grain, ArrayView<float> output)
    {
        var first = index * grain.Pixels;
        Zero(first, IntrinsicMath.Min(grain.Pixels, length - first), output);
    }

    /// <summary>On a CPU: by SIMD.</summary>
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

    /// <summary>On a GPU: as a rule, one channel.</summary>
    [DeviceBody(nameof(Write))]
    public static void WriteOnDevice(ArrayView<float> phase, int from, int count, int accumulate, int to, ArrayView<float> output)
    {
        for (var i = 0; i < count; i++)
            output[to + i] = accumulate != 0 ? output[to + i] + phase[from + i] : phase[from + i];
    }

    /// <summary>On a CPU: all at once.</summary>
    [IntrinsicImplementation]
    public static void Zero(int from, int count, ArrayView<float> output)
    {
        if (count > 0)
            MemoryMarshal.CreateSpan(ref output[from], count).Clear();
    }

    /// <summary>On a GPU: as a rule, one value.</summary>
    [DeviceBody(nameof(Zero))]
    public static void ZeroOnDevice(int from, int count, ArrayView<float> output)
    {
        for (var i = 0; i < count; i++)
            output[from + i] = 0;
    }

    /// <summary>Of a phase and of what it is put into.</summary>
    internal readonly record struct Sizes(
        int PhaseH, int PhaseW, int OutputH, int OutputW, int Channels, int FirstY, int FirstX, int StrideY, int StrideX, int Pixels,
        int Accumulate);
}
