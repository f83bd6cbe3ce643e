using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// Some pixels of maps side by side, each with all its channels, so that a 1×1 convolution computes those pixels and no others:
/// <code>out[s, c] = maps[at[s] + c]</code>
/// </summary>
internal static class TakePixels
{
    /// <summary>Copies the pixels.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="maps">The values of all maps, with C channels each.</param>
    /// <param name="at">[S]: the index of each pixel's first channel.</param>
    /// <param name="output">[1, 1, S, C].</param>
    public static void Run(Device device, ArrayView<float> maps, ArrayView<int> at, Tensor output)
    {
        if (output.Shape.Pixels != at.Length)
            throw new ArgumentException($"{at.Length} pixels don't fit an output of {output.Shape}.", nameof(output));
        var (pixels, channels) = (output.Shape.Pixels, output.Shape.C);
        var grain = Grain.For(device, pixels, channels);
        device.Launch(Kernel, grain.Threads(pixels, channels), maps, at, pixels, channels, grain, output.View);
    }

    /// <summary>One thread = some pixels × some channels of the output (see <see cref="Grain"/>).</summary>
    internal static void Kernel(
        Index1D index, ArrayView<float> maps, ArrayView<int> at, int pixels, int channels, Grain grain, ArrayView<float> output)
    {
        var parts = (channels + grain.Channels - 1) / grain.Channels;
        var firstC = index % parts * grain.Channels;
        var endC = IntrinsicMath.Min(firstC + grain.Channels, channels);
        var first = index / parts * grain.Pixels;
        var end = IntrinsicMath.Min(first + grain.Pixels, pixels);
        for (var s = first; s < end; s++)
        {
            for (var c = firstC; c < endC; c++)
                output[s * channels + c] = maps[at[s] + c];
        }
    }
}
