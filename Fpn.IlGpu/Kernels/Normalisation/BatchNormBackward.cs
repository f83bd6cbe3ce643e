using System.Numerics;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The gradient of <see cref="BatchNorm"/>, with x̂ = (in − μ) · r and sums over all M pixels:
/// <code>
/// dβ[c] = Σ dout           dγ[c] = Σ dout · x̂
/// frozen   din = γ · r · dout
/// live     din = γ · r · (dout − dβ / M − x̂ · dγ / M)        because μ and r depend on the input, too
/// </code>
/// (Ioffe and Szegedy, section 3, with its chain of equations combined.)
/// </summary>
internal static class BatchNormBackward
{
    private const int PixelsPerPart = 256;

    /// <summary>Computes all three gradients.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="input">[N, H, W, C].</param>
    /// <param name="outputGradient">dout before any activation, [N, H, W, C].</param>
    /// <param name="gamma">γ, [C].</param>
    /// <param name="used">μ and r of the forward pass.</param>
    /// <param name="live">Whether μ and r were the batch's own.</param>
    /// <param name="affineGradient">Receives dγ and dβ, [C] each.</param>
    /// <param name="inputGradient">din, [N, H, W, C]; may be dout itself.</param>
    public static void Run(
        Device device, Tensor input, Tensor outputGradient, ArrayView<float> gamma, BatchNorm.Used used, bool live,
        BatchNorm.Affine affineGradient, Tensor inputGradient)
    {
        Sums(device, input, outputGradient, used, affineGradient);
        ToInput(device, input, outputGradient, gamma, used, live, affineGradient, inputGradient);
    }

    /// <summary>Computes dγ and dβ alone, where no earlier layer needs a gradient.</summary>
    public static void Sums(Device device, Tensor input, Tensor outputGradient, BatchNorm.Used used, BatchNorm.Affine affineGradient)
    {
        var shape = input.Shape;
        if (outputGradient.Shape != shape)
            throw new ArgumentException($"A gradient of {outputGradient.Shape} doesn't fit an input of {shape}.", nameof(outputGradient));
        var parts = Division.CeilDiv(shape.Pixels, PixelsPerPart);
        var chunk = device.Info.Kind == DeviceKind.Cpu ? shape.C : 1;
        var sizes = new BatchNorm.Sizes(shape.Pixels, shape.C, parts, chunk);
        using var partialGamma = device.Rent<float>((long)parts * shape.C);
        using var partialBeta = device.Rent<float>((long)parts * shape.C);
        var partial = new BatchNorm.Affine(partialGamma.View, partialBeta.View);
        device.Launch(PartKernel, parts * Division.CeilDiv(shape.C, chunk), input.View, outputGradient.View, used, sizes, partial);
        device.Launch(CombineKernel, shape.C, partial, sizes, affineGradient);
    }

    /// <summary>Computes din alone. With frozen statistics, it does not read the other gradients.</summary>
    public static void ToInput(
        Device device, Tensor input, Tensor outputGradient, ArrayView<float> gamma, BatchNorm.Used used, bool live,
        BatchNorm.Affine affineGradient, Tensor inputGradient)
    {
        var shape = input.Shape;
        if (outputGradient.Shape != shape || inputGradient.Shape != shape)
            throw new ArgumentException($"Gradients of {outputGradient.Shape} and {inputGradient.Shape} don't fit an input of {shape}.");
        var grain = Grain.For(device, shape.Pixels, shape.C);
        device.Launch(
            InputKernel, grain.Threads(shape.Pixels, shape.C), input.View, outputGradient.View, new Norm(gamma, used, affineGradient),
            new Extent(shape.Pixels, shape.C, live ? 1f / shape.Pixels : 0), grain, inputGradient.View);
    }

    /// <summary>One thread = some channels of one part of the pixels: their sums, [parts, C].</summary>
    internal static void PartKernel(
        Index1D index, ArrayView<float> input, ArrayView<float> outputGradient, BatchNorm.Used used, BatchNorm.Sizes sizes,
        BatchNorm.Affine partial)
    {
        var chunks = (sizes.Channels + sizes.Chunk - 1) / sizes.Chunk;
        var c = index % chunks * sizes.Chunk;
        var part = index / chunks;
        var first = part * PixelsPerPart;
        var pixels = IntrinsicMath.Min(PixelsPerPart, sizes.Pixels - first);
        var run = new Patch(first, pixels, c, IntrinsicMath.Min(sizes.Chunk, sizes.Channels - c), sizes.Channels);
        AddUp(input, outputGradient, used, run, part * sizes.Channels, partial);
    }

    /// <summary>One thread = one channel: adds up its parts.</summary>
    internal static void CombineKernel(Index1D index, BatchNorm.Affine partial, BatchNorm.Sizes sizes, BatchNorm.Affine gradient)
    {
        var (gamma, beta) = (0f, 0f);
        for (var part = 0; part < sizes.Parts; part++)
        {
            gamma += partial.Gamma[part * sizes.Channels + index];
            beta += partial.Beta[part * sizes.Channels + index];
        }
        gradient.Gamma[index] = gamma;
        gradient.Beta[index] = beta;
    }

    /// <summary>One thread = some pixels (n, y, x) × some channels c (see <see cref="Grain"/>).</summary>
    internal static void InputKernel(
        Index1D index, ArrayView<float> input, ArrayView<float> outputGradient, Norm norm, Extent extent, Grain grain,
        ArrayView<float> inputGradient)
    {
        var parts = (extent.Channels + grain.Channels - 1) / grain.Channels;
        var c = index % parts * grain.Channels;
        var first = index / parts * grain.Pixels;
        var pixels = IntrinsicMath.Min(grain.Pixels, extent.Pixels - first);
        var run = new Patch(first, pixels, c, IntrinsicMath.Min(grain.Channels, extent.Channels - c), extent.Channels);
        Differentiate(input, outputGradient, norm, run, extent.Share, inputGradient);
    }

    /// <summary>The CPU body: several channels at a time, by SIMD.</summary>
    [IntrinsicImplementation]
    public static void AddUp(
        ArrayView<float> input, ArrayView<float> outputGradient, BatchNorm.Used used, Patch run, int to, BatchNorm.Affine partial)
    {
        var c = run.C;
        for (; c + Vector<float>.Count <= run.C + run.Count; c += Vector<float>.Count)
        {
            var (gamma, beta) = (Vector<float>.Zero, Vector<float>.Zero);
            var mean = ChannelRun.Load(used.Mean, c);
            for (var p = run.First; p < run.First + run.Pixels; p++)
            {
                var gradient = ChannelRun.Load(outputGradient, p * run.Channels + c);
                beta += gradient;
                gamma += gradient * (ChannelRun.Load(input, p * run.Channels + c) - mean);
            }
            ChannelRun.Store(gamma * ChannelRun.Load(used.Factor, c), partial.Gamma, to + c);
            ChannelRun.Store(beta, partial.Beta, to + c);
        }
        AddUpOnDevice(input, outputGradient, used, run with { C = c, Count = run.Count - (c - run.C) }, to, partial);
    }

    /// <summary>The GPU body: usually one channel.</summary>
    [DeviceBody(nameof(AddUp))]
    public static void AddUpOnDevice(
        ArrayView<float> input, ArrayView<float> outputGradient, BatchNorm.Used used, Patch run, int to, BatchNorm.Affine partial)
    {
        for (var c = run.C; c < run.C + run.Count; c++)
        {
            var (gamma, beta) = (0f, 0f);
            for (var p = run.First; p < run.First + run.Pixels; p++)
            {
                var gradient = outputGradient[p * run.Channels + c];
                beta += gradient;
                gamma += gradient * (input[p * run.Channels + c] - used.Mean[c]);
            }
            partial.Gamma[to + c] = gamma * used.Factor[c];
            partial.Beta[to + c] = beta;
        }
    }

    /// <summary>The CPU body: several channels at a time, by SIMD.</summary>
    [IntrinsicImplementation]
    public static void Differentiate(
        ArrayView<float> input, ArrayView<float> outputGradient, Norm norm, Patch run, float share, ArrayView<float> inputGradient)
    {
        var c = run.C;
        for (; c + Vector<float>.Count <= run.C + run.Count; c += Vector<float>.Count)
        {
            var factor = ChannelRun.Load(norm.Used.Factor, c);
            var scale = ChannelRun.Load(norm.Gamma, c) * factor;
            var mean = ChannelRun.Load(norm.Used.Mean, c);
            var (level, slope) = share > 0
                ? (ChannelRun.Load(norm.Sums.Beta, c) * share, ChannelRun.Load(norm.Sums.Gamma, c) * factor * share)
                : (Vector<float>.Zero, Vector<float>.Zero);
            for (var p = run.First; p < run.First + run.Pixels; p++)
            {
                var at = p * run.Channels + c;
                var gradient = ChannelRun.Load(outputGradient, at);
                if (share > 0)
                    gradient -= level + (ChannelRun.Load(input, at) - mean) * slope;
                ChannelRun.Store(gradient * scale, inputGradient, at);
            }
        }
        DifferentiateOnDevice(input, outputGradient, norm, run with { C = c, Count = run.Count - (c - run.C) }, share, inputGradient);
    }

    /// <summary>The GPU body: usually one channel of one pixel.</summary>
    [DeviceBody(nameof(Differentiate))]
    public static void DifferentiateOnDevice(
        ArrayView<float> input, ArrayView<float> outputGradient, Norm norm, Patch run, float share, ArrayView<float> inputGradient)
    {
        for (var c = run.C; c < run.C + run.Count; c++)
        {
            var factor = norm.Used.Factor[c];
            for (var p = run.First; p < run.First + run.Pixels; p++)
            {
                var at = p * run.Channels + c;
                var gradient = outputGradient[at];
                if (share > 0)
                    gradient -= share * (norm.Sums.Beta[c] + (input[at] - norm.Used.Mean[c]) * factor * norm.Sums.Gamma[c]);
                inputGradient[at] = gradient * norm.Gamma[c] * factor;
            }
        }
    }

    /// <summary>The numbers of pixels and channels. Share is 1 / M if the statistics are live, otherwise 0.</summary>
    internal readonly record struct Extent(int Pixels, int Channels, float Share);

    internal readonly record struct Norm(ArrayView<float> Gamma, BatchNorm.Used Used, BatchNorm.Affine Sums);

    /// <summary>
    /// Some channels of some pixels: the first pixel and the number of pixels; the first channel, the number of channels, and how many
    /// channels a pixel has.
    /// </summary>
    internal readonly record struct Patch(int First, int Pixels, int C, int Count, int Channels);
}
