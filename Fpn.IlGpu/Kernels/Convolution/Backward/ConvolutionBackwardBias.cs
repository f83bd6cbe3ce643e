using System.Numerics;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The gradient of the bias of a convolution or matrix product:
/// <code>db[k] = Σ n, y, x  dout[n, y, x, k]</code>
/// in two passes: parts of the pixels are summed first, then the parts (<see cref="PartialSums"/>). The split depends on the sizes alone,
/// so that the sums have the same bits on any number of cores.
/// </summary>
internal static class ConvolutionBackwardBias
{
    private const int LeastPixels = 64;
    private const int MostParts = 64;

    /// <summary>Computes the gradient.</summary>
    /// <param name="device">The device that holds both arrays.</param>
    /// <param name="outputGradient">dout, [N, OH, OW, K].</param>
    /// <param name="biasGradient">db, [K].</param>
    /// <param name="accumulate">Whether to add to db instead of overwriting it.</param>
    public static void Run(Device device, Tensor outputGradient, ArrayView<float> biasGradient, bool accumulate = false)
    {
        var (pixels, channels) = (outputGradient.Shape.Pixels, outputGradient.Shape.C);
        if (biasGradient.Length != channels)
            throw new ArgumentException($"{biasGradient.Length} biases don't fit an output of {outputGradient.Shape}.", nameof(biasGradient));
        var parts = Math.Clamp(pixels / LeastPixels, 1, MostParts);
        // A thread takes all channels of a pixel on a CPU, and one channel on a GPU.
        var run = device.Info.Kind == DeviceKind.Cpu ? channels : 1;
        var sizes = new Sizes(pixels, channels, parts, run);
        using var partial = device.Rent<float>((long)parts * channels);
        device.Launch(PartKernel, parts * Division.CeilDiv(channels, run), outputGradient.View, sizes, partial.View);
        PartialSums.Combine(device, partial.View, parts, accumulate, biasGradient);
    }

    /// <summary>One thread = the sums of some channels over a part of the pixels.</summary>
    internal static void PartKernel(Index1D index, ArrayView<float> outputGradient, Sizes sizes, ArrayView<float> partial)
    {
        var runs = (sizes.Channels + sizes.Run - 1) / sizes.Run;
        var c = index % runs * sizes.Run;
        AddUp(outputGradient, sizes, index / runs, c, IntrinsicMath.Min(c + sizes.Run, sizes.Channels), partial);
    }

    /// <summary>The CPU body: several channels at a time, by SIMD.</summary>
    [IntrinsicImplementation]
    public static void AddUp(ArrayView<float> outputGradient, Sizes sizes, int part, int c, int end, ArrayView<float> partial)
    {
        for (; c + Vector<float>.Count <= end; c += Vector<float>.Count)
        {
            var sum = Vector<float>.Zero;
            for (var pixel = sizes.First(part); pixel < sizes.First(part + 1); pixel++)
                sum += ChannelRun.Load(outputGradient, pixel * sizes.Channels + c);
            ChannelRun.Store(sum, partial, part * sizes.Channels + c);
        }
        AddUpOnDevice(outputGradient, sizes, part, c, end, partial);
    }

    /// <summary>The GPU body: one channel.</summary>
    [DeviceBody(nameof(AddUp))]
    public static void AddUpOnDevice(ArrayView<float> outputGradient, Sizes sizes, int part, int c, int end, ArrayView<float> partial)
    {
        for (; c < end; c++)
        {
            var sum = 0f;
            for (var pixel = sizes.First(part); pixel < sizes.First(part + 1); pixel++)
                sum += outputGradient[pixel * sizes.Channels + c];
            partial[part * sizes.Channels + c] = sum;
        }
    }

    /// <summary>The numbers of pixels and channels, of parts of the pixels, and of channels per thread.</summary>
    internal readonly record struct Sizes(int Pixels, int Channels, int Parts, int Run)
    {
        /// <summary>Returns the first pixel of a part.</summary>
        public int First(int part) => (int)((long)Pixels * part / Parts);
    }
}
