using System.Buffers;
using System.Runtime.ExceptionServices;
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
    // Large weights are packed a part at a time: beside the device's copy of them, there is never another whole one.
    private const int ValuesAtOnce = 1 << 20;

    private readonly DeviceArray<float> values;
    private readonly DeviceArray<float> bias;

    /// <summary>Packs and uploads weights that are in memory.</summary>
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

    private ConvolutionWeights(DeviceArray<float> values, DeviceArray<float> bias) => (this.values, this.bias) = (values, bias);

    /// <summary>Some output channels of PyTorch's weights, [count, C / groups, kh, kw], from one on.</summary>
    public delegate void TorchRows(int first, Span<float> rows);

    public int KernelH { get; private init; }

    public int KernelW { get; private init; }

    public int GroupInputC { get; private init; }

    public int OutputC { get; private init; }

    public int Groups { get; private init; }

    /// <summary>Whether each channel is convolved by itself.</summary>
    public bool IsDepthwise { get; private init; }

    public ArrayView<float> Values => values.View;

    public ArrayView<float> Bias => bias.View;

    /// <summary>Packs and uploads weights as PyTorch keeps them, read a few output channels at a time.</summary>
    /// <param name="device">Where to.</param>
    /// <param name="rows">Where from.</param>
    /// <param name="biasValues">[K].</param>
    /// <param name="scale">[K], by which each output channel is multiplied; or null.</param>
    /// <param name="kernelH">Rows of the window.</param>
    /// <param name="kernelW">Columns of the window.</param>
    /// <param name="groupInputC">C / groups.</param>
    /// <param name="groups">Parts that channels are split into.</param>
    public static ConvolutionWeights FromTorch(
        Device device, TorchRows rows, float[] biasValues, float[]? scale, int kernelH, int kernelW, int groupInputC, int groups = 1)
    {
        var outputC = biasValues.Length;
        var positions = kernelH * kernelW;
        var depth = positions * groupInputC;
        var isDepthwise = groupInputC == 1 && groups == outputC && groups > 1;
        // Depthwise weights are one block of all channels: [1, kh, kw, 1, C].
        var (parts, partC) = isDepthwise ? (1, outputC) : (groups, outputC / groups);
        var blockC = isDepthwise ? outputC : ConvolutionTile.Shape(device).Channels;
        var blocksPerPart = Grain.Count(partC, blockC);
        var blocks = parts * blocksPerPart;
        var blockLength = depth * blockC;
        var atOnce = Math.Clamp(ValuesAtOnce / blockLength, 1, blocks);
        var values = device.Rent<float>((long)blocks * blockLength);
        // Rented, as an array a layer would pile up faster than the garbage collector looks.
        var packed = ArrayPool<float>.Shared.Rent(atOnce * blockLength);
        for (var first = 0; first < blocks; first += atOnce)
        {
            var count = Math.Min(atOnce, blocks - first);
            try
            {
                Parallel.For(0, count, i => PackAt(first + i, packed.AsSpan(i * blockLength, blockLength)));
            }
            catch (AggregateException e)
            {
                ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
            }
            values.Upload((long)first * blockLength, packed.AsSpan(0, count * blockLength));
        }
        ArrayPool<float>.Shared.Return(packed);
        return new ConvolutionWeights(values, device.Upload<float>(biasValues))
        {
            KernelH = kernelH,
            KernelW = kernelW,
            GroupInputC = groupInputC,
            OutputC = outputC,
            Groups = groups,
            IsDepthwise = isDepthwise,
        };

        void PackAt(int block, Span<float> to)
        {
            var within = block % blocksPerPart * blockC;
            var channel = block / blocksPerPart * partC + within;
            var length = Math.Min(blockC, partC - within) * depth;
            var torch = ArrayPool<float>.Shared.Rent(length);
            rows(channel, torch.AsSpan(0, length));
            PackBlock(torch.AsSpan(0, length), scale.AsSpan(scale is null ? 0 : channel), positions, groupInputC, blockC, to);
            ArrayPool<float>.Shared.Return(torch);
        }
    }

    /// <summary>
    /// The same as weights of a matrix product, whose rows are all values that the window sees; takes the place of this.
    /// </summary>
    public ConvolutionWeights AsMatrix() => new(values, bias)
    {
        KernelH = 1,
        KernelW = 1,
        GroupInputC = KernelH * KernelW * GroupInputC,
        OutputC = OutputC,
        Groups = 1,
        IsDepthwise = false,
    };

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

    /// <summary>[channels, C, positions] to [positions, C, blockC], each output channel times its factor.</summary>
    private static void PackBlock(
        ReadOnlySpan<float> torch, ReadOnlySpan<float> scale, int positions, int inputC, int blockC, Span<float> packed)
    {
        packed.Clear();
        var depth = positions * inputC;
        for (var k = 0; k < torch.Length / depth; k++)
        {
            var factor = scale.IsEmpty ? 1 : scale[k];
            var own = torch.Slice(k * depth, depth);
            for (var c = 0; c < inputC; c++)
            {
                for (var p = 0; p < positions; p++)
                    packed[(p * inputC + c) * blockC + k] = own[c * positions + p] * factor;
            }
        }
    }
}
