using System.Numerics;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The gradient of <see cref="GroupNorm"/>, with x̂ = (in − μ) · r, and M values in a group of one picture:
/// <code>
/// dβ[c] = Σ n, y, x  dout           dγ[c] = Σ n, y, x  dout · x̂
/// din   = r · (γ · dout − (b + x̂ · a) / M),   b = Σ γ · dout,  a = Σ γ · dout · x̂   over the group
/// </code>
/// First each channel of each picture is summed, [N, C]. The sums over pictures are dβ and dγ, those over the channels of a group b and a.
/// </summary>
internal static class GroupNormBackward
{
    private const int PixelsPerPart = 64;

    /// <summary>Computes all three gradients.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="input">[N, H, W, C].</param>
    /// <param name="outputGradient">dout before any activation, [N, H, W, C].</param>
    /// <param name="gamma">γ, [C].</param>
    /// <param name="groups">The number of groups that C is split into.</param>
    /// <param name="used">μ and r of the forward pass, [N, C] each.</param>
    /// <param name="accumulate">Whether to add to dγ and dβ instead of overwriting them.</param>
    /// <param name="affineGradient">dγ and dβ, [C] each.</param>
    /// <param name="inputGradient">din, [N, H, W, C]; may be dout itself.</param>
    public static void Run(
        Device device, Tensor input, Tensor outputGradient, ArrayView<float> gamma, int groups, BatchNorm.Used used, bool accumulate,
        GroupNorm.Affine affineGradient, Tensor inputGradient)
    {
        var shape = input.Shape;
        if (outputGradient.Shape != shape || inputGradient.Shape != shape || shape.C % groups != 0)
        {
            throw new ArgumentException(
                $"{groups} groups, and gradients of {outputGradient.Shape} and {inputGradient.Shape}, don't fit an input of {shape}.");
        }
        var length = shape.N * shape.C;
        var parts = Division.CeilDiv(shape.H * shape.W, PixelsPerPart);
        var chunk = device.Info.Kind == DeviceKind.Cpu ? shape.C : 1;
        var sizes = new Sizes(shape.N, shape.H * shape.W, shape.C, groups, parts, chunk);
        using var partialGamma = device.Rent<float>((long)parts * length);
        using var partialBeta = device.Rent<float>((long)parts * length);
        using var sumsGamma = device.Rent<float>(length);
        using var sumsBeta = device.Rent<float>(length);
        device.Launch(
            PartKernel, shape.N * parts * Division.CeilDiv(shape.C, chunk), input.View, outputGradient.View, used, sizes,
            new BatchNorm.Affine(partialGamma.View, partialBeta.View));
        PartialSums.Combine(device, partialGamma.View, parts, accumulate: false, sumsGamma.View);
        PartialSums.Combine(device, partialBeta.View, parts, accumulate: false, sumsBeta.View);
        PartialSums.Combine(device, sumsGamma.View, shape.N, accumulate, affineGradient.Gamma);
        PartialSums.Combine(device, sumsBeta.View, shape.N, accumulate, affineGradient.Beta);

        using var scales = device.Rent<float>(length);
        using var levels = device.Rent<float>(length);
        using var slopes = device.Rent<float>(length);
        var terms = new Terms(scales.View, levels.View, slopes.View);
        device.Launch(TermsKernel, length, gamma, used, new GroupNorm.Affine(sumsGamma.View, sumsBeta.View), sizes, terms);
        var grain = Grain.For(device, shape.Pixels, shape.C);
        device.Launch(
            InputKernel, grain.Threads(shape.Pixels, shape.C), input.View, outputGradient.View, used, terms, sizes, grain,
            inputGradient.View);
    }

    /// <summary>One thread = some channels of one part of a picture's pixels: their Σ dout · x̂ and Σ dout, [parts, N, C].</summary>
    internal static void PartKernel(
        Index1D index, ArrayView<float> input, ArrayView<float> outputGradient, BatchNorm.Used used, Sizes sizes,
        BatchNorm.Affine partial)
    {
        var chunks = (sizes.Channels + sizes.Chunk - 1) / sizes.Chunk;
        var c = index % chunks * sizes.Chunk;
        var part = index / chunks % sizes.Parts;
        var n = index / chunks / sizes.Parts;
        var first = part * PixelsPerPart;
        var run = new BatchNormBackward.Patch(
            n * sizes.Pixels + first, IntrinsicMath.Min(PixelsPerPart, sizes.Pixels - first), c,
            IntrinsicMath.Min(sizes.Chunk, sizes.Channels - c), sizes.Channels);
        BatchNormBackward.AddUp(input, outputGradient, Of(used, n, sizes), run, (part * sizes.Batch + n) * sizes.Channels, partial);
    }

    /// <summary>One thread = one channel of one picture: the terms of its din.</summary>
    internal static void TermsKernel(
        Index1D index, ArrayView<float> gamma, BatchNorm.Used used, GroupNorm.Affine sums, Sizes sizes, Terms terms)
    {
        var c = index % sizes.Channels;
        var width = sizes.Channels / sizes.Groups;
        var firstC = c / width * width;
        var (a, b) = (0f, 0f);
        for (var i = 0; i < width; i++)
        {
            a += gamma[firstC + i] * sums.Gamma[index - c + firstC + i];
            b += gamma[firstC + i] * sums.Beta[index - c + firstC + i];
        }
        var factor = used.Factor[index];
        var share = factor / ((float)sizes.Pixels * width);
        terms.Scale[index] = gamma[c] * factor;
        terms.Level[index] = b * share;
        terms.Slope[index] = a * share * factor;
    }

    /// <summary>One thread = some pixels (n, y, x) × some channels c (see <see cref="Grain"/>).</summary>
    internal static void InputKernel(
        Index1D index, ArrayView<float> input, ArrayView<float> outputGradient, BatchNorm.Used used, Terms terms, Sizes sizes,
        Grain grain, ArrayView<float> inputGradient)
    {
        var parts = (sizes.Channels + grain.Channels - 1) / grain.Channels;
        var c = index % parts * grain.Channels;
        var count = IntrinsicMath.Min(grain.Channels, sizes.Channels - c);
        int first = index / parts * grain.Pixels;
        var end = IntrinsicMath.Min(first + grain.Pixels, sizes.Batch * sizes.Pixels);
        while (first < end)
        {
            var n = first / sizes.Pixels;
            var pixels = IntrinsicMath.Min(end, (n + 1) * sizes.Pixels) - first;
            var run = new BatchNormBackward.Patch(first, pixels, c, count, sizes.Channels);
            Differentiate(input, outputGradient, used, terms, run, n * sizes.Channels, inputGradient);
            first += pixels;
        }
    }

    /// <summary>The CPU body: pixel after pixel, so that memory is read in order; several channels at a time, by SIMD.</summary>
    [IntrinsicImplementation]
    public static void Differentiate(
        ArrayView<float> input, ArrayView<float> outputGradient, BatchNorm.Used used, Terms terms, BatchNormBackward.Patch run, int firstC,
        ArrayView<float> inputGradient)
    {
        var inVectors = run.Count / Vector<float>.Count * Vector<float>.Count;
        for (var p = run.First; p < run.First + run.Pixels; p++)
        {
            for (var c = run.C; c < run.C + inVectors; c += Vector<float>.Count)
            {
                var at = p * run.Channels + c;
                var ofStatistics = ChannelRun.Load(terms.Level, firstC + c)
                    + (ChannelRun.Load(input, at) - ChannelRun.Load(used.Mean, firstC + c)) * ChannelRun.Load(terms.Slope, firstC + c);
                var scaled = ChannelRun.Load(outputGradient, at) * ChannelRun.Load(terms.Scale, firstC + c);
                ChannelRun.Store(scaled - ofStatistics, inputGradient, at);
            }
        }
        var rest = run with { C = run.C + inVectors, Count = run.Count - inVectors };
        DifferentiateOnDevice(input, outputGradient, used, terms, rest, firstC, inputGradient);
    }

    /// <summary>The GPU body: usually one channel of one pixel.</summary>
    [DeviceBody(nameof(Differentiate))]
    public static void DifferentiateOnDevice(
        ArrayView<float> input, ArrayView<float> outputGradient, BatchNorm.Used used, Terms terms, BatchNormBackward.Patch run, int firstC,
        ArrayView<float> inputGradient)
    {
        for (var c = run.C; c < run.C + run.Count; c++)
        {
            for (var p = run.First; p < run.First + run.Pixels; p++)
            {
                var at = p * run.Channels + c;
                var ofStatistics = terms.Level[firstC + c] + (input[at] - used.Mean[firstC + c]) * terms.Slope[firstC + c];
                inputGradient[at] = outputGradient[at] * terms.Scale[firstC + c] - ofStatistics;
            }
        }
    }

    private static BatchNorm.Used Of(BatchNorm.Used used, int n, Sizes sizes) => new(
        used.Mean.SubView(n * sizes.Channels, sizes.Channels), used.Factor.SubView(n * sizes.Channels, sizes.Channels));

    internal readonly record struct Sizes(int Batch, int Pixels, int Channels, int Groups, int Parts, int Chunk);

    /// <summary>din = Scale · dout − (Level + (in − μ) · Slope), [N, C] each.</summary>
    internal readonly record struct Terms(ArrayView<float> Scale, ArrayView<float> Level, ArrayView<float> Slope);
}
