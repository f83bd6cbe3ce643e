using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.Algorithms;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// Group normalisation (Wu and He, Group Normalization, equations 1 and 2) and the activation that follows it:
/// <code>out[n, y, x, c] = f( γ[c] · (in[n, y, x, c] − μ) / √(σ² + ε) + β[c] )</code>
/// with mean μ and variance σ² over all pixels of a picture and the channels of c's group. Unlike those of a batch norm, they depend on
/// the picture and can't be folded into weights. Each part of the pixels gives its count, mean and sum of squared deviations. Two such
/// triples are combined as by Chan, Golub and LeVeque, which loses no digits where σ is small compared with μ.
/// </summary>
internal static class GroupNorm
{
    private const int PixelsPerPart = 512;

    /// <summary>Normalises a tensor.</summary>
    /// <param name="device">The device that holds all tensors.</param>
    /// <param name="input">[N, H, W, C].</param>
    /// <param name="gamma">γ, [C].</param>
    /// <param name="beta">β, [C].</param>
    /// <param name="groups">The number of groups that C is split into.</param>
    /// <param name="epsilon">ε.</param>
    /// <param name="activation">f.</param>
    /// <param name="output">[N, H, W, C]; must not be the input.</param>
    /// <param name="used">Receives μ and r = 1 / √(σ² + ε) of each picture and channel, [N, C] each, if the gradient needs them.</param>
    public static void Run(
        Device device, Tensor input, ArrayView<float> gamma, ArrayView<float> beta, int groups, float epsilon,
        Activation activation, Tensor output, BatchNorm.Used? used = null)
    {
        var shape = input.Shape;
        if (output.Shape != shape || shape.C % groups != 0)
            throw new ArgumentException($"{groups} groups and an output of {output.Shape} don't fit an input of {shape}.", nameof(output));
        var parts = Division.CeilDiv(shape.H * shape.W, PixelsPerPart);
        var sizes = new Sizes(shape.H * shape.W, shape.C, groups, parts, epsilon);
        using var partial = device.Rent<Moments>((long)shape.N * parts * groups);
        using var moments = device.Rent<Moments>(shape.N * groups);
        device.Launch(PartKernel, shape.N * parts * groups, input.View, sizes, partial.View);
        device.Launch(CombineKernel, shape.N * groups, partial.View, sizes, moments.View);
        if (used is { } kept)
            device.Launch(KeepKernel, shape.N * shape.C, moments.View, sizes, kept);
        var length = (int)shape.Length;
        var grain = Grain.For(device, length, 1);
        device.Launch(
            NormaliseKernel, grain.Threads(length, 1), input.View, new Affine(gamma, beta), moments.View, sizes, activation, length, grain,
            output.View);
    }

    /// <summary>One thread = one group in one part of a picture's pixels: its moments, [N, parts, groups].</summary>
    internal static void PartKernel(Index1D index, ArrayView<float> input, Sizes sizes, ArrayView<Moments> partial)
    {
        var group = index % sizes.Groups;
        var part = index / sizes.Groups % sizes.Parts;
        var n = index / sizes.Groups / sizes.Parts;
        var width = sizes.Channels / sizes.Groups;
        var firstPixel = part * PixelsPerPart;
        var pixels = IntrinsicMath.Min(PixelsPerPart, sizes.Pixels - firstPixel);
        var from = (n * sizes.Pixels + firstPixel) * sizes.Channels + group * width;
        // Summing deviations from one of the group's values keeps the numbers small where the mean is large.
        var shift = input[from];
        var sum = 0f;
        for (var p = 0; p < pixels; p++)
        {
            for (var c = 0; c < width; c++)
                sum += input[from + p * sizes.Channels + c] - shift;
        }
        var mean = shift + sum / (pixels * width);
        var squares = 0f;
        for (var p = 0; p < pixels; p++)
        {
            for (var c = 0; c < width; c++)
            {
                var deviation = input[from + p * sizes.Channels + c] - mean;
                squares += deviation * deviation;
            }
        }
        partial[index] = new Moments(pixels * width, mean, squares);
    }

    /// <summary>One thread = one group of one picture: combines the moments of its parts.</summary>
    internal static void CombineKernel(Index1D index, ArrayView<Moments> partial, Sizes sizes, ArrayView<Moments> moments)
    {
        var n = index / sizes.Groups;
        int first = n * sizes.Parts * sizes.Groups + index % sizes.Groups;
        var all = partial[first];
        for (var part = 1; part < sizes.Parts; part++)
        {
            var next = partial[first + part * sizes.Groups];
            var count = all.Count + next.Count;
            var apart = next.Mean - all.Mean;
            var share = next.Count / count;
            all = new Moments(count, all.Mean + apart * share, all.Squares + next.Squares + apart * apart * all.Count * share);
        }
        moments[index] = all;
    }

    /// <summary>One thread = one channel of one picture: its μ and r.</summary>
    internal static void KeepKernel(Index1D index, ArrayView<Moments> moments, Sizes sizes, BatchNorm.Used used)
    {
        var group = index % sizes.Channels / (sizes.Channels / sizes.Groups);
        var own = moments[index / sizes.Channels * sizes.Groups + group];
        used.Mean[index] = own.Mean;
        used.Factor[index] = 1 / XMath.Sqrt(own.Squares / own.Count + sizes.Epsilon);
    }

    /// <summary>One thread = some consecutive elements (see <see cref="Grain"/>).</summary>
    internal static void NormaliseKernel(
        Index1D index, ArrayView<float> input, Affine affine, ArrayView<Moments> moments, Sizes sizes, Activation activation,
        int length, Grain grain, ArrayView<float> output)
    {
        var width = sizes.Channels / sizes.Groups;
        var end = IntrinsicMath.Min((index + 1) * grain.Pixels, length);
        for (var i = index * grain.Pixels; i < end; i++)
        {
            var c = i % sizes.Channels;
            var own = moments[i / sizes.Channels / sizes.Pixels * sizes.Groups + c / width];
            var scale = affine.Gamma[c] / XMath.Sqrt(own.Squares / own.Count + sizes.Epsilon);
            output[i] = Activate.Value((input[i] - own.Mean) * scale + affine.Beta[c], activation);
        }
    }

    internal readonly record struct Sizes(int Pixels, int Channels, int Groups, int Parts, float Epsilon);

    /// <summary>The moments of some values: their count, their mean, and the sum of their squared deviations from it.</summary>
    internal readonly record struct Moments(float Count, float Mean, float Squares);

    internal readonly record struct Affine(ArrayView<float> Gamma, ArrayView<float> Beta);
}
