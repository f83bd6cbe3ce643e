using System.Numerics;
using System.Runtime.CompilerServices;
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

    // Channels that a CPU thread sums at a time.
    private const int MostChannels = 512;

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

    /// <summary>
    /// The CPU body: row by row of the output, and all channels of one pixel after the other, so that memory is read in order. The sums of
    /// the channels stay in the first-level cache.
    /// </summary>
    [IntrinsicImplementation]
    public static unsafe void AddUp(
        ArrayView<float> input, ArrayView<float> outputGradient, ConvolutionSizes sizes, Place at, Split split, ArrayView<float> partial)
    {
        var places = sizes.KernelH * sizes.KernelW;
        var sums = stackalloc float[MostChannels];
        fixed (float* x = &input[0], d = &outputGradient[0])
        {
            for (var c = at.FirstC; c < at.EndC; c += MostChannels)
            {
                var channels = Math.Min(MostChannels, at.EndC - c);
                new Span<float>(sums, channels).Clear();
                for (var pixel = split.First(at.Part); pixel < split.First(at.Part + 1);)
                {
                    var pixels = Math.Min(sizes.OutputW - pixel % sizes.OutputW, split.First(at.Part + 1) - pixel);
                    AddRow(x + c, d + c, sizes, at.Window, pixel, pixels, channels, sums);
                    pixel += pixels;
                }
                for (var i = 0; i < channels; i++)
                    partial[(at.Part * sizes.OutputC + c + i) * places + at.Window] = sums[i];
            }
        }
    }

    /// <summary>Adds the products of some pixels of an output row to the sums of some channels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static unsafe void AddRow(
        float* input, float* outputGradient, in ConvolutionSizes s, int place, int pixel, int pixels, int channels, float* sums)
    {
        var (n, y, x) = s.OutputAt(pixel);
        var iy = y * s.StrideY - s.PaddingY + place / s.KernelW * s.DilationY;
        var ix = x * s.StrideX - s.PaddingX + place % s.KernelW * s.DilationX;
        if (iy < 0 || iy >= s.InputH)
            return;
        // Only the pixels from which this place of the window is inside the map.
        var first = ix < 0 ? Division.CeilDiv(-ix, s.StrideX) : 0;
        var end = ix >= s.InputW ? 0 : Math.Min(pixels, Division.CeilDiv(s.InputW - ix, s.StrideX));
        var from = input + (((long)n * s.InputH + iy) * s.InputW + ix + (long)first * s.StrideX) * s.InputC;
        var gradient = outputGradient + (long)(pixel + first) * s.OutputC;
        for (; first < end; first++, from += s.StrideX * s.InputC, gradient += s.OutputC)
        {
            var c = 0;
            for (; c + Vector<float>.Count <= channels; c += Vector<float>.Count)
                (Vector.Load(sums + c) + Vector.Load(from + c) * Vector.Load(gradient + c)).Store(sums + c);
            for (; c < channels; c++)
                sums[c] += from[c] * gradient[c];
        }
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
