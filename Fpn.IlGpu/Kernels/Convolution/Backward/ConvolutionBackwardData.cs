using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The gradient of a convolution's input:
/// <code>
/// din[n, iy, ix, c] = Σ ky, kx, k  dout[n, oy, ox, k] · weights[ky, kx, c, k]     where iy = oy·s − p + ky·d, ix likewise
/// </code>
/// k runs over the output channels of c's group. Read <see cref="NaiveKernel"/> first. Of stride 1 it is itself a convolution, whose
/// windows are flipped and whose C and K change places, so that all fast forms serve it. Of stride s, the pixels
/// iy = s·q + r − p of one remainder r see the same few rows of the window (<see cref="GradientPhase"/>): s · s smaller
/// convolutions of stride 1, whose outputs are put between one another. Nothing is multiplied by the zeros that dilating dout
/// would bring.
/// </summary>
internal sealed class ConvolutionBackwardData : IDisposable
{
    private readonly Device device;
    private readonly ConvolutionGeometry geometry;
    private readonly (GradientPhase Y, GradientPhase X, ConvolutionWeights Weights)[] phases;

    private ConvolutionBackwardData(
        Device device, ConvolutionGeometry geometry, (GradientPhase Y, GradientPhase X, ConvolutionWeights Weights)[] phases)
        => (this.device, this.geometry, this.phases) = (device, geometry, phases);

    /// <summary>Reserves room for the weights; <see cref="Pack"/> fills it.</summary>
    /// <param name="device">Where.</param>
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

    /// <summary>Packs the weights as they are now.</summary>
    /// <param name="parameter">[K, C / groups, kh, kw].</param>
    public void Pack(ArrayView<float> parameter)
    {
        foreach (var (_, _, weights) in phases)
            weights.Pack(device, parameter);
    }

    /// <summary>Runs it with the weights that were packed last.</summary>
    /// <param name="outputGradient">dout, [N, OH, OW, K].</param>
    /// <param name="inputGradient">din, [N, H, W, C].</param>
    /// <param name="accumulate">Whether to add to what is there.</param>
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
        // Pixels that no window sees have no gradient.
        if (!accumulate && phases.Length < stride.Y * stride.X)
            ConvolutionPhases.Clear(device, inputGradient);
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

    /// <summary>The gradient by its definition, from the parameter as it is.</summary>
    /// <param name="device">Where all arrays are.</param>
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

    /// <summary>One thread = one value (n, y, x, c) of the input's gradient.</summary>
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

    /// <summary>Refuses tensors that are not the convolution's.</summary>
    internal static void Validate(in ConvolutionGeometry geometry, Shape input, Shape output)
    {
        var expected = geometry.Window.OutputShape(input, geometry.KernelH, geometry.KernelW, geometry.OutputC);
        if (input.C != geometry.ChannelGroupInputC * geometry.Window.ChannelGroups || output != expected)
        {
            throw new ArgumentException(
                $"A {geometry.KernelH}×{geometry.KernelW} convolution of {geometry.ChannelGroupInputC * geometry.Window.ChannelGroups} channels to "
                + $"{geometry.OutputC} has no gradients of {input} and {output}.");
        }
    }

    /// <summary>Of the convolution of one phase, whose padding is that of its first row and column.</summary>
    private static ConvolutionSizes Sizes(
        ConvolutionWeights weights, GradientPhase y, GradientPhase x, Shape input, Shape output, Tensor? residual)
        => ConvolutionSizes.From(input, output, weights.Geometry, residual is null ? Residual.None : Residual.SameSize, Activation.None)
            with
        { PaddingY = y.Padding, PaddingX = x.Padding };
}

/// <summary>
/// Along one axis, the input pixels i = s·q + r − p of one remainder r, and the elements of the window that see them: those with
/// ky·d = r + s·m, each from the output pixel q − m.
/// </summary>
/// <param name="FirstPixel">The first of the pixels; the others follow every s pixels.</param>
/// <param name="Stride">s.</param>
/// <param name="Last">The last such element of the window.</param>
/// <param name="Step">From one to the next.</param>
/// <param name="Count">How many; none if the pixels are never seen.</param>
/// <param name="Dilation">From one to the next, in pixels of the output.</param>
/// <param name="Padding">Of a convolution over the output that has the flipped elements as its window.</param>
internal readonly record struct GradientPhase(int FirstPixel, int Stride, int Last, int Step, int Count, int Dilation, int Padding)
{
    /// <summary>Those of all remainders.</summary>
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
            // The first q whose pixel is none of the padding.
            var q = (padding - r + stride - 1) / stride;
            var reach = (first * dilation - r) / stride + (count - 1) * distance;
            yield return new GradientPhase(
                stride * q + r - padding, stride, first + (count - 1) * step, step, count, distance, reach - q);
        }
    }

    /// <summary>How many of these pixels a map has.</summary>
    public int Pixels(int size) => size > FirstPixel ? (size - 1 - FirstPixel) / Stride + 1 : 0;
}
