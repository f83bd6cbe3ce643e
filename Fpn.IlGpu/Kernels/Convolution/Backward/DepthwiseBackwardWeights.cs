using System.Numerics;
using Fpn.IlGpu.Runtime;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The gradient of the weights of a depthwise convolution:
/// <code>
/// dw[c, ky, kx] = Σ n, oy, ox  in[n, oy·s − p + ky·d, ox·s − p + kx·d, c] · dout[n, oy, ox, c]
/// </code>
/// Neighbouring channels are neighbouring lanes, as in <see cref="DepthwiseConvolution"/>. The pixels are split into parts, which
/// <see cref="PartialSums"/> adds up.
/// </summary>
internal static class DepthwiseBackwardWeights
{
    private const int LeastPixels = 64;
    private const int MostParts = 64;

    /// <summary>Launches the kernels; called by <see cref="ConvolutionBackwardWeights"/>, which has checked the sizes.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="sizes">The sizes of the forward convolution.</param>
    /// <param name="input">[N, H, W, C].</param>
    /// <param name="outputGradient">dout, [N, OH, OW, C].</param>
    /// <param name="weightGradient">dw, [C, 1, kh, kw].</param>
    /// <param name="accumulate">Whether to add to dw instead of overwriting it.</param>
    public static void Run(
        Device device, ConvolutionSizes sizes, ArrayView<float> input, ArrayView<float> outputGradient, ArrayView<float> weightGradient,
        bool accumulate)
    {
        var pixels = sizes.OutputN * sizes.OutputH * sizes.OutputW;
        var parts = Math.Clamp(pixels / LeastPixels, 1, MostParts);
        var channels = device.Info.Kind == DeviceKind.Cpu ? sizes.OutputC : 1;
        using var partial = device.Rent<float>(parts * weightGradient.Length);
        device.Launch(
            Kernel, parts * sizes.KernelH * sizes.KernelW * Division.CeilDiv(sizes.OutputC, channels), input, outputGradient, sizes,
            new Split(pixels, parts, channels), partial.View);
        PartialSums.Combine(device, partial.View, parts, accumulate, weightGradient);
    }

    /// <summary>One thread = one place of the window for some channels, over a part of the pixels.</summary>
    internal static void Kernel(
        Index1D index, ArrayView<float> input, ArrayView<float> outputGradient, ConvolutionSizes sizes, Split split,
        ArrayView<float> partial)
    {
        var runs = (sizes.OutputC + split.Channels - 1) / split.Channels;
        var c = index % runs * split.Channels;
        var end = IntrinsicMath.Min(c + split.Channels, sizes.OutputC);
        var places = sizes.KernelH * sizes.KernelW;
        AddUp(input, outputGradient, sizes, new Place(index / runs / places, index / runs % places, c, end), split, partial);
    }

    /// <summary>The CPU body: several channels at a time, by SIMD.</summary>
    [IntrinsicImplementation]
    public static void AddUp(
        ArrayView<float> input, ArrayView<float> outputGradient, ConvolutionSizes sizes, Place at, Split split, ArrayView<float> partial)
    {
        var places = sizes.KernelH * sizes.KernelW;
        var c = at.FirstC;
        for (; c + Vector<float>.Count <= at.EndC; c += Vector<float>.Count)
        {
            var sum = Vector<float>.Zero;
            for (var pixel = split.First(at.Part); pixel < split.First(at.Part + 1); pixel++)
            {
                var from = InputAt(sizes, pixel, at.Window);
                if (from >= 0)
                    sum += ChannelRun.Load(input, from + c) * ChannelRun.Load(outputGradient, pixel * sizes.OutputC + c);
            }
            for (var lane = 0; lane < Vector<float>.Count; lane++)
                partial[(at.Part * sizes.OutputC + c + lane) * places + at.Window] = sum[lane];
        }
        AddUpOnDevice(input, outputGradient, sizes, at with { FirstC = c }, split, partial);
    }

    /// <summary>The GPU body: one channel.</summary>
    [DeviceBody(nameof(AddUp))]
    public static void AddUpOnDevice(
        ArrayView<float> input, ArrayView<float> outputGradient, ConvolutionSizes sizes, Place at, Split split, ArrayView<float> partial)
    {
        for (var c = at.FirstC; c < at.EndC; c++)
        {
            var sum = 0f;
            for (var pixel = split.First(at.Part); pixel < split.First(at.Part + 1); pixel++)
            {
                var from = InputAt(sizes, pixel, at.Window);
                if (from >= 0)
                    sum += input[from + c] * outputGradient[pixel * sizes.OutputC + c];
            }
            partial[(at.Part * sizes.OutputC + c) * sizes.KernelH * sizes.KernelW + at.Window] = sum;
        }
    }

    /// <summary>
    /// Returns the index of the input pixel that a place of the window sees from an output pixel, or −1 outside the map.
    /// </summary>
    private static int InputAt(ConvolutionSizes sizes, int pixel, int place)
    {
        var (n, y, x) = sizes.OutputAt(pixel);
        var iy = y * sizes.StrideY - sizes.PaddingY + place / sizes.KernelW * sizes.DilationY;
        var ix = x * sizes.StrideX - sizes.PaddingX + place % sizes.KernelW * sizes.DilationX;
        return iy >= 0 && iy < sizes.InputH && ix >= 0 && ix < sizes.InputW
            ? ((n * sizes.InputH + iy) * sizes.InputW + ix) * sizes.InputC
            : -1;
    }

    /// <summary>What a thread sums: a part of the pixels, a place of the window, and the channels from FirstC to before EndC.</summary>
    internal readonly record struct Place(int Part, int Window, int FirstC, int EndC);

    /// <summary>The numbers of pixels, of parts of the pixels, and of channels per thread.</summary>
    internal readonly record struct Split(int Pixels, int Parts, int Channels)
    {
        /// <summary>Returns the first pixel of a part.</summary>
        public int First(int part) => (int)((long)Pixels * part / Parts);
    }
}
