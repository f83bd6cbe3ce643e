namespace Fpn.IlGpu.Kernels;

/// <summary>What is known about a convolution before its input: its window and channels.</summary>
/// <param name="KernelH">Rows of the window.</param>
/// <param name="KernelW">Columns of the window.</param>
/// <param name="ChannelGroupInputC">C / groups.</param>
/// <param name="OutputC">K.</param>
/// <param name="Window">Stride, padding, dilation, groups.</param>
internal readonly record struct ConvolutionGeometry(
    int KernelH, int KernelW, int ChannelGroupInputC, int OutputC, ConvolutionWindow Window)
{
    /// <summary>Returns the geometry of a matrix product of rows of C values.</summary>
    public static ConvolutionGeometry Product(int inputC, int outputC) => new(1, 1, inputC, outputC, ConvolutionWindow.Square());

    /// <summary>K / groups.</summary>
    public int ChannelGroupOutputC => OutputC / Window.ChannelGroups;

    /// <summary>Whether each channel is convolved on its own.</summary>
    public bool IsDepthwise => ChannelGroupInputC == 1 && Window.ChannelGroups == OutputC && Window.ChannelGroups > 1;
}
