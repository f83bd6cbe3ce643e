using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The stride, padding, dilation and channel groups of a convolution, with separate values for the two axes, in px of the input map.
/// </summary>
/// <param name="Stride">Distance between neighbouring outputs.</param>
/// <param name="Padding">Zeros on each side of the input.</param>
/// <param name="Dilation">Distance between neighbouring elements of the window.</param>
/// <param name="ChannelGroups">Parts that channels are split into, each convolved on its own; C and K are multiples of it.</param>
public readonly record struct ConvolutionWindow(
    (int Y, int X) Stride, (int Y, int X) Padding, (int Y, int X) Dilation, int ChannelGroups = 1)
{
    /// <summary>Returns the usual case: the same values on both axes.</summary>
    public static ConvolutionWindow Square(int stride = 1, int padding = 0, int dilation = 1, int groups = 1)
        => new((stride, stride), (padding, padding), (dilation, dilation), groups);

    /// <summary>Returns the output's shape: floor((in + 2·padding − dilation·(kernel − 1) − 1) / stride) + 1.</summary>
    /// <exception cref="ArgumentException">The window doesn't fit into the padded input.</exception>
    public Shape OutputShape(Shape input, int kernelH, int kernelW, int outputChannels)
    {
        var spanH = input.H + 2 * Padding.Y - Dilation.Y * (kernelH - 1) - 1;
        var spanW = input.W + 2 * Padding.X - Dilation.X * (kernelW - 1) - 1;
        if (spanH < 0 || spanW < 0)
            throw new ArgumentException($"A {kernelH}×{kernelW} window doesn't fit into a map of {input}.", nameof(input));
        return new Shape(input.N, spanH / Stride.Y + 1, spanW / Stride.X + 1, outputChannels);
    }
}

/// <summary>All sizes that a convolution kernel needs. Strides, paddings and dilations are in px of the input map.</summary>
internal readonly record struct ConvolutionSizes
{
    public required int InputH { get; init; }

    public required int InputW { get; init; }

    public required int InputC { get; init; }

    public required int OutputN { get; init; }

    public required int OutputH { get; init; }

    public required int OutputW { get; init; }

    public required int OutputC { get; init; }

    public required int KernelH { get; init; }

    public required int KernelW { get; init; }

    public required int StrideY { get; init; }

    public required int StrideX { get; init; }

    public required int PaddingY { get; init; }

    public required int PaddingX { get; init; }

    public required int DilationY { get; init; }

    public required int DilationX { get; init; }

    public required int ChannelGroups { get; init; }

    /// <summary>What is added to the sums before the activation.</summary>
    public required Residual Residual { get; init; }

    /// <summary>How the residual is upsampled, if it is a coarser map.</summary>
    public NearestUpsampling Upsampling { get; init; }

    /// <summary>The activation, applied last.</summary>
    public required Activation Activation { get; init; }

    /// <summary>How the tiled kernel splits the output; other kernels ignore it.</summary>
    public Tiling Tiling { get; init; }

    public int ChannelGroupInputC => InputC / ChannelGroups;

    public int ChannelGroupOutputC => OutputC / ChannelGroups;

    /// <summary>The number of multiply-adds, including those with the zeros outside the input.</summary>
    public long MultiplyAdds => (long)OutputN * OutputH * OutputW * OutputC * KernelH * KernelW * ChannelGroupInputC;

    /// <summary>For the tiled kernel: the blocks of output channels in a channel group, each as wide as a tile.</summary>
    public int BlocksPerChannelGroup => Division.CeilDiv(ChannelGroupOutputC, Tiling.TileChannels);

    public static ConvolutionSizes From(
        Shape input, Shape output, in ConvolutionGeometry geometry, Residual residual, Activation activation) => new()
        {
            InputH = input.H,
            InputW = input.W,
            InputC = input.C,
            OutputN = output.N,
            OutputH = output.H,
            OutputW = output.W,
            OutputC = output.C,
            KernelH = geometry.KernelH,
            KernelW = geometry.KernelW,
            StrideY = geometry.Window.Stride.Y,
            StrideX = geometry.Window.Stride.X,
            PaddingY = geometry.Window.Padding.Y,
            PaddingX = geometry.Window.Padding.X,
            DilationY = geometry.Window.Dilation.Y,
            DilationX = geometry.Window.Dilation.X,
            ChannelGroups = geometry.Window.ChannelGroups,
            Residual = residual,
            Activation = activation,
        };

    /// <summary>Whether each output reads only the pixel at its own place, so that the convolution is a matrix product as it is.</summary>
    public bool ReadsOnePixel => KernelH == 1 && KernelW == 1 && StrideY == 1 && StrideX == 1 && PaddingY == 0 && PaddingX == 0;

    /// <summary>Returns an output pixel's picture, row and column.</summary>
    public (int N, int Y, int X) OutputAt(int pixel) => (pixel / OutputW / OutputH, pixel / OutputW % OutputH, pixel % OutputW);

    /// <summary>Returns the index of the first value that is added to an output pixel.</summary>
    public int ResidualAt(int n, int y, int x) => Residual == Residual.Upsampled
        ? Upsampling.PixelAt(n, y, x) * OutputC
        : ((n * OutputH + y) * OutputW + x) * OutputC;

    /// <summary>
    /// Returns the same convolution with all pixels in one row, if each output reads exactly one pixel, so that tiles need not end where
    /// rows do. Otherwise returns these sizes unchanged.
    /// </summary>
    public ConvolutionSizes FlattenPointwise()
    {
        if (!ReadsOnePixel || Residual == Residual.Upsampled)
            return this;
        var pixels = OutputN * OutputH * OutputW;
        return this with { InputH = 1, InputW = pixels, OutputN = 1, OutputH = 1, OutputW = pixels };
    }
}

/// <summary>How the tiled kernel splits an output row and the output channels among threads.</summary>
/// <param name="TileChannels">Output channels in a tile, which is the width of a block of packed weights.</param>
/// <param name="SegmentPixels">Consecutive pixels of a row that one thread computes: whole tiles, except at the row's end.</param>
/// <param name="BlocksPerThread">Consecutive blocks of output channels that one thread computes.</param>
internal readonly record struct Tiling(int TileChannels, int SegmentPixels, int BlocksPerThread);
