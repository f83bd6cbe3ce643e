using System.Buffers;
using System.Runtime.ExceptionServices;
using Fpn.IlGpu.Runtime;
using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// Weights and bias of a convolution (or, as a 1×1 convolution, of a matrix product) in a device's memory, packed for
/// the form that computes it (see <see cref="ConvolutionForms"/>): in blocks of a few output channels of a group, so that a
/// tile reads its weights as one contiguous stream.
/// </summary>
internal sealed class ConvolutionWeights : IDisposable
{
    // Large weights are packed a part at a time: beside the device's copy of them, there is never another whole one.
    private const int ValuesAtOnce = 1 << 20;

    private readonly DeviceArray<float> values;
    private readonly DeviceArray<float>? ownBias;

    // Of weights that are trained: how they are packed anew.
    private readonly ConvolutionPacking.Sizes? packing;

    private ConvolutionWeights(
        DeviceArray<float> values, DeviceArray<float>? ownBias, ArrayView<float> bias, ConvolutionPacking.Sizes? packing = null)
        => (this.values, this.ownBias, Bias, this.packing) = (values, ownBias, bias, packing);

    /// <summary>Some output channels of PyTorch's weights, [count, C / groups, kh, kw], from one on.</summary>
    public delegate void TorchRows(int first, Span<float> rows);

    /// <summary>The convolution that they are for.</summary>
    public required ConvolutionGeometry Geometry { get; init; }

    /// <summary>What computes it.</summary>
    public required ConvolutionForm Form { get; init; }

    public int OutputC => Geometry.OutputC;

    public ArrayView<float> Values => values.View;

    public ArrayView<float> Bias { get; }

    /// <summary>Packs and uploads weights that are in memory.</summary>
    /// <param name="device">Where to.</param>
    /// <param name="weights">[kh, kw, C / groups, K].</param>
    /// <param name="biasValues">[K].</param>
    /// <param name="geometry">The convolution.</param>
    /// <param name="form">What is to compute it, or null for what the device does best.</param>
    public static ConvolutionWeights From(
        Device device, ReadOnlyMemory<float> weights, float[] biasValues, ConvolutionGeometry geometry, ConvolutionForm? form = null)
    {
        var outputC = geometry.OutputC;
        var depth = geometry.KernelH * geometry.KernelW * geometry.ChannelGroupInputC;
        if (weights.Length != depth * outputC || biasValues.Length != outputC || outputC % geometry.Window.ChannelGroups != 0)
        {
            throw new ArgumentException(
                $"{weights.Length} weights and {biasValues.Length} biases don't fit a {geometry.KernelH}×{geometry.KernelW} convolution "
                + $"of {geometry.ChannelGroupInputC} to {outputC} channels.");
        }
        return FromTorch(device, ToTorch, biasValues, scale: null, geometry, form);

        void ToTorch(int first, Span<float> rows)
        {
            var positions = geometry.KernelH * geometry.KernelW;
            var values = weights.Span;
            for (var i = 0; i < rows.Length; i++)
            {
                var (k, c, p) = (first + i / depth, i % depth / positions, i % positions);
                rows[i] = values[(p * geometry.ChannelGroupInputC + c) * outputC + k];
            }
        }
    }

    /// <summary>Packs and uploads weights as PyTorch keeps them, read a few output channels at a time.</summary>
    /// <param name="device">Where to.</param>
    /// <param name="rows">Where from.</param>
    /// <param name="biasValues">[K].</param>
    /// <param name="scale">[K], by which each output channel is multiplied; or null.</param>
    /// <param name="geometry">The convolution.</param>
    /// <param name="form">What is to compute it, or null for what the device does best.</param>
    public static ConvolutionWeights FromTorch(
        Device device, TorchRows rows, float[] biasValues, float[]? scale, ConvolutionGeometry geometry, ConvolutionForm? form = null)
    {
        var how = form ?? ConvolutionForms.Choose(device, geometry);
        var depth = geometry.KernelH * geometry.KernelW * geometry.ChannelGroupInputC;
        var (parts, blocksPerPart, blockC) = Blocks(device, how, geometry);
        var partC = geometry.OutputC / parts;
        var blocks = parts * blocksPerPart;
        var blockLength = ConvolutionForms.BlockLength(how, geometry, blockC);
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
        var bias = device.Upload<float>(biasValues);
        return new ConvolutionWeights(values, bias, bias.View) { Geometry = geometry, Form = how };

        void PackAt(int block, Span<float> to)
        {
            var within = block % blocksPerPart * blockC;
            var channel = block / blocksPerPart * partC + within;
            var count = Math.Min(blockC, partC - within);
            var torch = ArrayPool<float>.Shared.Rent(count * depth);
            var own = torch.AsSpan(0, count * depth);
            rows(channel, own);
            for (var k = 0; scale is not null && k < count; k++)
            {
                foreach (ref var value in own.Slice(k * depth, depth))
                    value *= scale[channel + k];
            }
            to.Clear();
            ConvolutionForms.PackBlock(how, geometry, own, blockC, to);
            ArrayPool<float>.Shared.Return(torch);
        }
    }

    /// <summary>Room for weights that are trained; <see cref="Pack"/> fills it, again after each step.</summary>
    /// <param name="device">Where.</param>
    /// <param name="geometry">The convolution.</param>
    /// <param name="layout">Where its weights lie in the parameter.</param>
    /// <param name="bias">[K], a parameter of its own that is read where it lies; null for zeros.</param>
    /// <param name="form">What is to compute it, or null for what the device does best.</param>
    public static ConvolutionWeights Reserve(
        Device device, ConvolutionGeometry geometry, WeightLayout layout, ArrayView<float>? bias, ConvolutionForm? form = null)
    {
        if (bias is { } given && given.Length != geometry.OutputC)
            throw new ArgumentException($"{given.Length} biases don't fit {geometry.OutputC} output channels.", nameof(bias));
        var how = form ?? ConvolutionForms.ChooseTrained(device, geometry);
        if (how is ConvolutionForm.TensorTf32 or ConvolutionForm.TensorFp16)
            throw new ArgumentException($"Weights of {how} are rounded, and so can't be trained.", nameof(form));
        var (parts, blocksPerPart, blockC) = Blocks(device, how, geometry);
        var sizes = new ConvolutionPacking.Sizes(
            parts * blocksPerPart, blocksPerPart, blockC, ConvolutionForms.BlockLength(how, geometry, blockC), geometry.OutputC / parts,
            geometry.ChannelGroupInputC, geometry.KernelH, geometry.KernelW, layout);
        var values = device.Rent<float>((long)sizes.Blocks * sizes.BlockLength);
        var zeros = bias is null ? device.Upload<float>(new float[geometry.OutputC]) : null;
        return new ConvolutionWeights(values, zeros, bias ?? zeros!.View, sizes) { Geometry = geometry, Form = how };
    }

    /// <summary>The same for a fully connected layer over maps that its window covers: weights of a matrix product.</summary>
    /// <param name="device">Where.</param>
    /// <param name="geometry">The layer as a convolution whose window is the whole map.</param>
    /// <param name="bias">[K], a parameter of its own; null for zeros.</param>
    public static ConvolutionWeights ReserveProduct(Device device, ConvolutionGeometry geometry, ArrayView<float>? bias)
    {
        var depth = geometry.KernelH * geometry.KernelW * geometry.ChannelGroupInputC;
        var form = ConvolutionForms.ChooseTrained(device, ConvolutionGeometry.Product(depth, geometry.OutputC));
        return Reserve(device, geometry, WeightLayout.Forward(geometry), bias, form).AsMatrix();
    }

    /// <summary>Fills reserved room from the parameter, on the device.</summary>
    /// <param name="device">Where both are.</param>
    /// <param name="parameter">What the layout was made for: as a rule [K, C / groups, kh, kw].</param>
    public void Pack(Device device, ArrayView<float> parameter)
    {
        if (packing is not { } sizes)
            throw new InvalidOperationException("These weights were packed once and for all.");
        ConvolutionPacking.Run(device, parameter, sizes, ConvolutionForms.IsWinograd(Form), Values);
    }

    /// <summary>
    /// The same as weights of a matrix product, whose rows are all values that the window sees; takes the place of this.
    /// </summary>
    public ConvolutionWeights AsMatrix() => new(values, ownBias, Bias, packing)
    {
        Geometry = ConvolutionGeometry.Product(Geometry.KernelH * Geometry.KernelW * Geometry.ChannelGroupInputC, Geometry.OutputC),
        Form = Form,
    };

    /// <inheritdoc/>
    public void Dispose()
    {
        values.Dispose();
        ownBias?.Dispose();
    }

    /// <summary>What weights are packed in: parts, each of some blocks of so many channels.</summary>
    private static (int Parts, int BlocksPerPart, int BlockC) Blocks(Device device, ConvolutionForm form, in ConvolutionGeometry geometry)
    {
        // Depthwise weights are one block of all channels: [1, kh, kw, 1, C].
        var parts = form == ConvolutionForm.Depthwise ? 1 : geometry.Window.ChannelGroups;
        var blockC = ConvolutionForms.BlockChannels(device, form, geometry);
        return (parts, Division.CeilDiv(geometry.OutputC / parts, blockC), blockC);
    }
}
