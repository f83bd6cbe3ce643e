namespace Fpn.IlGpu.Kernels;

/// <summary>
/// Where a convolution's weights are stored in the array of a trained parameter, whose own order is PyTorch's, [K, C / groups, kh, kw]:
/// <code>
/// weights[ky, kx, c, k] of a group = parameter[First + group · Group + k / OutputRun · OutputHigh + k % OutputRun · Output
///                                                + c · Input + ky · Row + kx · Column]
/// </code>
/// The steps describe the forward pass, and also each of the convolutions that make up the gradient of its input
/// (<see cref="ConvolutionBackwardData"/>). Those have flipped windows, and so negative steps.
/// </summary>
/// <param name="First">Index of the weight at group = k = c = ky = kx = 0.</param>
/// <param name="Group">Step from one channel group to the next.</param>
/// <param name="Output">Step from one output channel to the next.</param>
/// <param name="OutputRun">Output channels that are Output apart: all of them, except for matrix products over maps.</param>
/// <param name="OutputHigh">Step from one run of output channels to the next.</param>
/// <param name="Input">Step from one input channel to the next.</param>
/// <param name="Row">Step from one row of the window to the next.</param>
/// <param name="Column">Step from one column of the window to the next.</param>
internal readonly record struct WeightLayout(
    int First, int Group, int Output, int OutputRun, int OutputHigh, int Input, int Row, int Column)
{
    /// <summary>Returns the layout of the forward pass.</summary>
    public static WeightLayout Forward(in ConvolutionGeometry g)
    {
        var positions = g.KernelH * g.KernelW;
        var outputs = g.OutputC / g.Window.ChannelGroups;
        var output = g.ChannelGroupInputC * positions;
        return new WeightLayout(0, outputs * output, output, int.MaxValue, 0, positions, g.KernelW, 1);
    }

    /// <summary>
    /// Returns the layout of the gradient of the input, in which K and C are swapped. It takes every rowStep-th row and columnStep-th
    /// column of the window, backwards from lastRow and lastColumn.
    /// </summary>
    public static WeightLayout Backward(in ConvolutionGeometry g, int lastRow, int rowStep, int lastColumn, int columnStep)
    {
        var forward = Forward(g);
        return new WeightLayout(
            lastRow * g.KernelW + lastColumn, forward.Group, forward.Input, int.MaxValue, 0, forward.Output, -rowStep * g.KernelW,
            -columnStep);
    }

    /// <summary>
    /// Returns the layout of the gradient of the input where the window covers the whole map: a matrix product from K to all values of the
    /// map, [kh, kw, C].
    /// </summary>
    public static WeightLayout BackwardProduct(in ConvolutionGeometry g)
    {
        var forward = Forward(g);
        return new WeightLayout(0, 0, forward.Input, g.ChannelGroupInputC, 1, forward.Output, 0, 0);
    }

    /// <summary>Returns the index of a weight.</summary>
    public int At(int group, int k, int c, int ky, int kx)
        => First + group * Group + k / OutputRun * OutputHigh + k % OutputRun * Output + c * Input + ky * Row + kx * Column;
}
