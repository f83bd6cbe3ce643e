using System.Buffers;
using System.Runtime.ExceptionServices;
using Fpn.IlGpu.Runtime;
using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// Weights and bias of a convolution (or, as a 1×1 convolution, of a matrix product) in a device's memory, packed for the form that
/// computes it (see <see cref="ConvolutionForms"/>): in blocks of a few output channels of a channel group, so that a tile reads its
/// weights as one contiguous stream.
/// </summary>
internal sealed class ConvolutionWeights : IDisposable
{
    // Large weights are packed a part at a time, so that the host never holds a packed copy of all of them.
    private const int ValuesAtOnce = 1 << 20;

    private readonly DeviceArray<float> values;
    private readonly DeviceArray<float>? ownBias;

    // How to pack trained weights again; null for all others.
    private readonly ConvolutionPacking.Sizes? packing;

    private ConvolutionWeights(
        DeviceArray<float> values, DeviceArray<float>? ownBias, ArrayView<float> bias, ConvolutionPacking.Sizes? packing = null)
        => (this.values, this.ownBias, Bias, this.packing) = (values, ownBias, bias, packing);

    /// <summary>Reads output channels of PyTorch's weights, from channel <c>first</c> on, into rows [count, C / groups, kh, kw].</summary>
    public delegate void TorchRows(int first, Span<float> rows);

    /// <summary>The convolution that the weights are for.</summary>
    public required ConvolutionGeometry Geometry { get; init; }

    /// <summary>The form that reads them.</summary>
    public required ConvolutionForm Form { get; init; }

    public int OutputC => Geometry.OutputC;

    public ArrayView<float> Values => values.View;

    public ArrayView<float> Bias { get; }

    /// <summary>Packs and uploads weights from host memory.</summary>
    /// <param name="device">The device to upload to.</param>
    /// <param name="weights">[kh, kw, C / groups, K].</param>
    /// <param name="biasValues">[K].</param>
    /// <param name="geometry">The convolution.</param>
    /// <param name="form">The form to pack for, or null for the device's best.</param>
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

    /// <summary>Packs and uploads weights in PyTorch's order, which are read a few output channels at a time.</summary>
    /// <param name="device">The device to upload to.</param>
    /// <param name="rows">Reads the weights.</param>
    /// <param name="biasValues">[K].</param>
    /// <param name="scale">[K]: a factor for each output channel; or null.</param>
    /// <param name="geometry">The convolution.</param>
    /// <param name="form">The form to pack for, or null for the device's best.</param>
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
        // Rented: one array for each layer would be garbage faster than the collector removes it.
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

    /// <summary>Reserves room for trained weights. <see cref="Pack"/> fills it, again after each step.</summary>
    /// <param name="device">The device to reserve it on.</param>
    /// <param name="geometry">The convolution.</param>
    /// <param name="layout">Where the weights are stored in the parameter.</param>
    /// <param name="bias">[K], a separate parameter that is read in place; null for zeros.</param>
    /// <param name="form">The form to pack for, or null for the device's best.</param>
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

    /// <summary>Reserves room for the weights of a fully connected layer whose window covers the whole map: a matrix product.</summary>
    /// <param name="device">The device to reserve it on.</param>
    /// <param name="geometry">The layer as a convolution whose window is the whole map.</param>
    /// <param name="bias">[K], a separate parameter that is read in place; null for zeros.</param>
    public static ConvolutionWeights ReserveProduct(Device device, ConvolutionGeometry geometry, ArrayView<float>? bias)
    {
        var depth = geometry.KernelH * geometry.KernelW * geometry.ChannelGroupInputC;
        var form = ConvolutionForms.ChooseTrained(device, ConvolutionGeometry.Product(depth, geometry.OutputC));
        return Reserve(device, geometry, WeightLayout.Forward(geometry), bias, form).AsMatrix();
    }

    /// <summary>Packs the parameter into the reserved room, on the device.</summary>
    /// <param name="device">The device that holds both.</param>
    /// <param name="parameter">The array that the layout describes: usually [K, C / groups, kh, kw].</param>
    public void Pack(Device device, ArrayView<float> parameter)
    {
        if (packing is not { } sizes)
            throw new InvalidOperationException("These weights can't be packed again: they were not reserved for training.");
        ConvolutionPacking.Run(device, parameter, sizes, ConvolutionForms.IsWinograd(Form), Values);
    }

    /// <summary>
    /// Returns the same weights as those of a matrix product, whose rows are all values that the window sees. The result replaces this
    /// object and owns its arrays.
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

    /// <summary>Returns how weights are packed: in parts, each of some blocks of blockC output channels.</summary>
    private static (int Parts, int BlocksPerPart, int BlockC) Blocks(Device device, ConvolutionForm form, in ConvolutionGeometry geometry)
    {
        // Depthwise weights are one block of all channels: [1, kh, kw, 1, C].
        var parts = form == ConvolutionForm.Depthwise ? 1 : geometry.Window.ChannelGroups;
        var blockC = ConvolutionForms.BlockChannels(device, form, geometry);
        return (parts, Division.CeilDiv(geometry.OutputC / parts, blockC), blockC);
    }
}
