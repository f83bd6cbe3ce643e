using Fpn.IlGpu.Runtime;
using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// Weights and bias of a convolution (or, as a 1×1 convolution, of a matrix product) in a device's memory, packed for
/// its tile: [block, kh, kw, C / groups, tile channels], each block the next few output channels of a group, filled up
/// with zeros. A tile then reads its weights as one contiguous stream. Depthwise weights stay [kh, kw, C].
/// </summary>
internal sealed class ConvolutionWeights : IDisposable
{
    private readonly DeviceArray<float> values;
    private readonly DeviceArray<float> bias;

    /// <summary>Packs and uploads.</summary>
    /// <param name="device">Where to.</param>
    /// <param name="weights">[kh, kw, C / groups, K].</param>
    /// <param name="biasValues">[K].</param>
    /// <param name="kernelH">Rows of the window.</param>
    /// <param name="kernelW">Columns of the window.</param>
    /// <param name="groupInputC">C / groups.</param>
    /// <param name="outputC">K.</param>
    /// <param name="groups">Parts that channels are split into.</param>
    public ConvolutionWeights(
        Device device, ReadOnlySpan<float> weights, ReadOnlySpan<float> biasValues,
        int kernelH, int kernelW, int groupInputC, int outputC, int groups = 1)
    {
        if (weights.Length != kernelH * kernelW * groupInputC * outputC || biasValues.Length != outputC || outputC % groups != 0)
        {
            throw new ArgumentException(
                $"{weights.Length} weights and {biasValues.Length} biases don't fit a {kernelH}×{kernelW} convolution of "
                + $"{groupInputC} to {outputC} channels.");
        }
        KernelH = kernelH;
        KernelW = kernelW;
        GroupInputC = groupInputC;
        OutputC = outputC;
        Groups = groups;
        IsDepthwise = groupInputC == 1 && groups == outputC && groups > 1;
        values = IsDepthwise
            ? device.Upload(weights)
            : device.Upload<float>(Pack(weights, kernelH * kernelW * groupInputC, outputC, groups, ConvolutionTile.Shape(device).Channels));
        bias = device.Upload(biasValues);
    }

    public int KernelH { get; }

    public int KernelW { get; }

    public int GroupInputC { get; }

    public int OutputC { get; }

    public int Groups { get; }

    /// <summary>Whether each channel is convolved by itself.</summary>
    public bool IsDepthwise { get; }

    public ArrayView<float> Values => values.View;

    public ArrayView<float> Bias => bias.View;

    /// <inheritdoc/>
    public void Dispose()
    {
        values.Dispose();
        bias.Dispose();
    }

    private static float[] Pack(ReadOnlySpan<float> weights, int depth, int outputC, int groups, int blockC)
    {
        var groupOutputC = outputC / groups;
        var blocks = Grain.Count(groupOutputC, blockC);
        var packed = new float[(long)groups * blocks * depth * blockC];
        var to = 0;
        for (var group = 0; group < groups; group++)
        {
            for (var block = 0; block < blocks; block++)
            {
                var first = group * groupOutputC + block * blockC;
                var count = Math.Min(blockC, groupOutputC - block * blockC);
                for (var d = 0; d < depth; d++, to += blockC)
                    weights.Slice(d * outputC + first, count).CopyTo(packed.AsSpan(to, count));
            }
        }
        return packed;
    }
}
