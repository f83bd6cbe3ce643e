using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The gradient of a convolution's input:
/// <code>
/// din[n, iy, ix, c] = Σ ky, kx, k  dout[n, oy, ox, k] · weights[ky, kx, c, k]     where iy = oy·s − p + ky·d, ix likewise
/// </code>
/// k runs over the output channels of c's channel group. Read <see cref="NaiveKernel"/> first. With stride 1 the gradient is itself a
/// convolution, with flipped windows and with C and K swapped, so that all fast forms serve it. With stride s, the pixels
/// iy = s·q + r − p of one remainder r see the same few rows of the window (<see cref="GradientPhase"/>). The gradient then is s · s
/// smaller convolutions of stride 1, whose outputs are interleaved. Nothing is multiplied by the zeros that a dilated dout would have.
/// </summary>
internal sealed class ConvolutionBackwardData : IDisposable
{
    private readonly Device device;
    private readonly ConvolutionGeometry geometry;
    private readonly (GradientPhase Y, GradientPhase X, ConvolutionWeights Weights)[] phases;

    private ConvolutionBackwardData(
        Device device, ConvolutionGeometry geometry, (GradientPhase Y, GradientPhase X, ConvolutionWeights Weights)[] phases)
        => (this.device, this.geometry, this.phases) = (device, geometry, phases);

    /// <summary>Reserves room for the packed weights; <see cref="Pack"/> fills it.</summary>
    /// <param name="device">The device to reserve it on.</param>
    /// <param name="geometry">The forward convolution.</param>
    public static ConvolutionBackwardData Reserve(Device device, ConvolutionGeometry geometry)
    {
        var (g, window) = (geometry, geometry.Window);
        var rows = GradientPhase.All(g.KernelH, window.Stride.Y, window.Padding.Y, window.Dilation.Y);
        var columns = GradientPhase.All(g.KernelW, window.Stride.X, window.Padding.X, window.Dilation.X);
        return new ConvolutionBackwardData(
            device, geometry, [.. from y in rows from x in columns where y.Count > 0 && x.Count > 0 select (y, x, Weights(y, x))]);

        ConvolutionWeights Weights(GradientPhase y, GradientPhase x)
        {
            var transposed = new ConvolutionWindow((1, 1), (0, 0), (y.Dilation, x.Dilation), window.ChannelGroups);
            return ConvolutionWeights.Reserve(
                device, new ConvolutionGeometry(y.Count, x.Count, g.OutputC / window.ChannelGroups, g.ChannelGroupInputC * window.ChannelGroups, transposed),
                WeightLayout.Backward(g, y.Last, y.Step, x.Last, x.Step), bias: null);
        }
    }

    /// <summary>Packs the current weights.</summary>
    /// <param name="parameter">[K, C / groups, kh, kw].</param>
    public void Pack(ArrayView<float> parameter)
    {
        foreach (var (_, _, weights) in phases)
            weights.Pack(device, parameter);
    }

    /// <summary>Computes the gradient with the weights that were packed last.</summary>
    /// <param name="outputGradient">dout, [N, OH, OW, K].</param>
    /// <param name="inputGradient">din, [N, H, W, C].</param>
    /// <param name="accumulate">Whether to add to din instead of overwriting it.</param>
    public void Run(Tensor outputGradient, Tensor inputGradient, bool accumulate = false)
    {
        Validate(geometry, inputGradient.Shape, outputGradient.Shape);
        var shape = inputGradient.Shape;
        var stride = geometry.Window.Stride;
        if (stride == (1, 1))
        {
            var (y, x, weights) = phases[0];
            var residual = accumulate ? inputGradient : null;
            Convolution.Compute(
                device, Sizes(weights, y, x, outputGradient.Shape, shape, residual), outputGradient, weights, residual, inputGradient);
            return;
        }
        // The gradient of pixels that no window sees is 0.
        if (!accumulate && phases.Length < stride.Y * stride.X)
            Fill.Run(device, 0, inputGradient.View);
        foreach (var (y, x, weights) in phases)
        {
            var part = shape with { H = y.Pixels(shape.H), W = x.Pixels(shape.W) };
            if (part.Length == 0)
                continue;
            using var gradient = Tensor.Rent(device, part);
            Convolution.Compute(
                device, Sizes(weights, y, x, outputGradient.Shape, part, null), outputGradient, weights, null, gradient);
            ConvolutionPhases.Place(device, gradient, (y.FirstPixel, x.FirstPixel), stride, inputGradient, accumulate);
        }
    }

    /// <summary>Computes the gradient by its definition, from the parameter as it is.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="geometry">The forward convolution.</param>
    /// <param name="outputGradient">dout, [N, OH, OW, K].</param>
    /// <param name="parameter">[K, C / groups, kh, kw].</param>
    /// <param name="inputGradient">din, [N, H, W, C].</param>
    public static void RunNaive(
        Device device, ConvolutionGeometry geometry, Tensor outputGradient, ArrayView<float> parameter, Tensor inputGradient)
    {
        Validate(geometry, inputGradient.Shape, outputGradient.Shape);
        var sizes = ConvolutionSizes.From(inputGradient.Shape, outputGradient.Shape, geometry, Residual.None, Activation.None);
        device.Launch(NaiveKernel, (int)inputGradient.Shape.Length, outputGradient.View, parameter, sizes, inputGradient.View);
    }

    /// <summary>One thread = one value (n, y, x, c) of the gradient of the input.</summary>
    internal static void NaiveKernel(
        Index1D index, ArrayView<float> outputGradient, ArrayView<float> parameter, ConvolutionSizes sizes,
        ArrayView<float> inputGradient)
    {
        var c = index % sizes.InputC;
        var x = index / sizes.InputC % sizes.InputW;
        var y = index / sizes.InputC / sizes.InputW % sizes.InputH;
        var n = index / sizes.InputC / sizes.InputW / sizes.InputH;
        var group = c / sizes.ChannelGroupInputC;
        var sum = 0f;
        for (var ky = 0; ky < sizes.KernelH; ky++)
        {
            var oy = y + sizes.PaddingY - ky * sizes.DilationY;
            if (oy < 0 || oy % sizes.StrideY != 0 || oy / sizes.StrideY >= sizes.OutputH)
                continue;
            for (var kx = 0; kx < sizes.KernelW; kx++)
            {
                var ox = x + sizes.PaddingX - kx * sizes.DilationX;
                if (ox < 0 || ox % sizes.StrideX != 0 || ox / sizes.StrideX >= sizes.OutputW)
                    continue;
                var pixel = ((n * sizes.OutputH + oy / sizes.StrideY) * sizes.OutputW + ox / sizes.StrideX) * sizes.OutputC;
                for (var k = group * sizes.ChannelGroupOutputC; k < (group + 1) * sizes.ChannelGroupOutputC; k++)
                {
                    var weight = ((k * sizes.ChannelGroupInputC + c % sizes.ChannelGroupInputC) * sizes.KernelH + ky) * sizes.KernelW + kx;
                    sum += outputGradient[pixel + k] * parameter[weight];
                }
            }
        }
        inputGradient[index] = sum;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (_, _, weights) in phases)
            weights.Dispose();
    }

    /// <summary>Throws if the shapes are not those of the convolution.</summary>
    internal static void Validate(in ConvolutionGeometry geometry, Shape input, Shape output)
    {
        var expected = geometry.Window.OutputShape(input, geometry.KernelH, geometry.KernelW, geometry.OutputC);
        if (input.C != geometry.ChannelGroupInputC * geometry.Window.ChannelGroups || output != expected)
        {
            throw new ArgumentException(
                $"A {geometry.KernelH}×{geometry.KernelW} convolution of {geometry.ChannelGroupInputC * geometry.Window.ChannelGroups} channels to "
                + $"{geometry.OutputC} doesn't fit an input of {input} and an output of {output}.");
        }
    }

    /// <summary>Returns the sizes of one phase's convolution, with the padding of that phase.</summary>
    private static ConvolutionSizes Sizes(
        ConvolutionWeights weights, GradientPhase y, GradientPhase x, Shape input, Shape output, Tensor? residual)
        => ConvolutionSizes.From(input, output, weights.Geometry, residual is null ? Residual.None : Residual.SameSize, Activation.None)
            with
        { PaddingY = y.Padding, PaddingX = x.Padding };
}

/// <summary>
/// Along one axis: the input pixels i = s·q + r − p of one remainder r, and the elements of the window that see them. Those are the
/// elements ky with ky·d = r + s·m; each sees the pixel from the output pixel q − m.
/// </summary>
/// <param name="FirstPixel">The first of the pixels; the others follow every s pixels.</param>
/// <param name="Stride">s, in px.</param>
/// <param name="Last">The last such element of the window.</param>
/// <param name="Step">Step from one such element to the next.</param>
/// <param name="Count">The number of such elements; 0 if no window sees the pixels.</param>
/// <param name="Dilation">Distance between such elements, in px of the output.</param>
/// <param name="Padding">Padding, in px, of the convolution over the output whose window is the flipped elements.</param>
internal readonly record struct GradientPhase(int FirstPixel, int Stride, int Last, int Step, int Count, int Dilation, int Padding)
{
    /// <summary>Returns the phases of all remainders.</summary>
    public static IEnumerable<GradientPhase> All(int kernel, int stride, int padding, int dilation)
    {
        var common = (int)System.Numerics.BigInteger.GreatestCommonDivisor(stride, dilation);
        for (var r = 0; r < stride; r++)
        {
            var first = 0;
            while (first < kernel && first * dilation % stride != r)
                first++;
            var step = stride / common;
            var count = first < kernel ? (kernel - 1 - first) / step + 1 : 0;
            var distance = dilation / common;
            // The first q whose pixel is not in the padding.
            var q = (padding - r + stride - 1) / stride;
            var reach = (first * dilation - r) / stride + (count - 1) * distance;
            yield return new GradientPhase(
                stride * q + r - padding, stride, first + (count - 1) * step, step, count, distance, reach - q);
        }
    }

    /// <summary>Returns how many pixels of this phase a map of a size has.</summary>
    public int Pixels(int size) => size > FirstPixel ? (size - 1 - FirstPixel) / Stride + 1 : 0;
}
