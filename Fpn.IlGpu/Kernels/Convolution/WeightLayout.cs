namespace Fpn.IlGpu.Kernels;

/// <summary>
/// Where a convolution's weights lie in the array of a parameter that is trained, whose own order is PyTorch's, [K, C / groups, kh, kw]:
/// <code>
/// weights[ky, kx, c, k] of a group = parameter[First + group · Group + k / OutputRun · OutputHigh + k % OutputRun · Output
///                                                + c · Input + ky · Row + kx · Column]
/// </code>
/// The steps describe the forward pass, and as well every convolution that the gradient of its input is made of
/// (<see cref="ConvolutionBackwardData"/>): flipped windows have negative ones.
/// </summary>
/// <param name="First">The weight at group, k, c, ky, kx of 0.</param>
/// <param name="Group">From one group to the next.</param>
/// <param name="Output">From one output channel to the next.</param>
/// <param name="OutputRun">Output channels that lie Output apart: all, but for matrix products over maps.</param>
/// <param name="OutputHigh">From one such run to the next.</param>
/// <param name="Input">From one input channel to the next.</param>
/// <param name="Row">From one row of the window to the next.</param>
/// <param name="Column">From one column of the window to the next.</param>
internal readonly record struct WeightLayout(
    int First, int Group, int Output, int OutputRun, int OutputHigh, int Input, int Row, int Column)
{
    /// <summary>Of the forward pass.</summary>
    public static WeightLayout Forward(in ConvolutionGeometry g)
    {
        var positions = g.KernelH * g.KernelW;
        var outputs = g.OutputC / g.Window.ChannelGroups;
        var output = g.ChannelGroupInputC * positions;
        return new WeightLayout(0, outputs * output, output, int.MaxValue, 0, positions, g.KernelW, 1);
    }

    /// <summary>
    /// Of the gradient: K and C change places, and of the window every so many rows and columns are taken, backwards from one on.
    /// </summary>
    public static WeightLayout Backward(in ConvolutionGeometry g, int lastRow, int rowStep, int lastColumn, int columnStep)
    {
        var forward = Forward(g);
        return new WeightLayout(
            lastRow * g.KernelW + lastColumn, forward.Group, forward.Input, int.MaxValue, 0, forward.Output, -rowStep * g.KernelW,
            -columnStep);
    }

    /// <summary>
    /// Of the gradient where the window covers the whole map, so that it is a matrix product from K to all values of the map,
    /// [kh, kw, C].
    /// </summary>
    public static WeightLayout BackwardProduct(in ConvolutionGeometry g)
    {
        var forward = Forward(g);
        return new WeightLayout(0, 0, forward.Input, g.ChannelGroupInputC, 1, forward.Output, 0, 0);
    }

    /// <summary>The index of a weight.</summary>
    public int At(int group, int k, int c, int ky, int kx)
        => First + group * Group + k / OutputRun * OutputHigh + k % OutputRun * Output + c * Input + ky * Row + kx * Column;
}
