using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The gradient of <see cref="TakePixels"/>: each pixel's gradient goes back to its place in its map.
/// <code>gradient[at[s] − first + c] += out gradient[s, c]        for the pixels of the map, which begins at first</code>
/// No two pixels are the same, so no two threads write to one place.
/// </summary>
internal static class TakePixelsBackward
{
    /// <summary>Adds the gradients of the pixels of one map.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="outputGradient">[1, 1, S, C].</param>
    /// <param name="at">[S]: the index of each pixel's first channel in the array of all maps; no two are the same.</param>
    /// <param name="first">The index of the map's first value in that array.</param>
    /// <param name="gradient">The gradient of the map, [N, H, W, C], to add to.</param>
    public static void Run(Device device, Tensor outputGradient, ArrayView<int> at, int first, Tensor gradient)
    {
        var shape = outputGradient.Shape;
        if (shape.Pixels != at.Length || shape.C != gradient.Shape.C)
            throw new ArgumentException($"{at.Length} pixels of {gradient.Shape} don't fit a gradient of {shape}.", nameof(outputGradient));
        var grain = Grain.For(device, shape.Pixels, shape.C);
        var sizes = new Sizes(shape.Pixels, shape.C, first, (int)gradient.Shape.Length);
        device.Launch(
            Kernel, grain.Threads(shape.Pixels, shape.C), outputGradient.View, at, sizes, grain, gradient.View);
    }

    /// <summary>One thread = some pixels × some channels of the output's gradient (see <see cref="Grain"/>).</summary>
    internal static void Kernel(
        Index1D index, ArrayView<float> outputGradient, ArrayView<int> at, Sizes sizes, Grain grain, ArrayView<float> gradient)
    {
        var parts = (sizes.Channels + grain.Channels - 1) / grain.Channels;
        var firstC = index % parts * grain.Channels;
        var endC = IntrinsicMath.Min(firstC + grain.Channels, sizes.Channels);
        var firstS = index / parts * grain.Pixels;
        var endS = IntrinsicMath.Min(firstS + grain.Pixels, sizes.Pixels);
        for (var s = firstS; s < endS; s++)
        {
            var place = at[s] - sizes.First;
            if (place < 0 || place >= sizes.Length)
                continue;
            for (var c = firstC; c < endC; c++)
                gradient[place + c] += outputGradient[s * sizes.Channels + c];
        }
    }

    /// <param name="Pixels">The number of pixels, S.</param>
    /// <param name="Channels">Their channels, C.</param>
    /// <param name="First">The index of the map's first value.</param>
    /// <param name="Length">The number of the map's values.</param>
    internal readonly record struct Sizes(int Pixels, int Channels, int First, int Length);
}
