using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// The pyramid's levels above the backbone's top map, each half the size of the previous one:
/// <code>
/// P6 = P5 subsampled by 2                                     FPN (paper, section 4.1)
/// P6 = conv3×3, stride 2 (C5 or P5)    P7 = conv3×3, stride 2 (relu(P6))    RetinaNet (Lin et al., section 4)
/// </code>
/// RetinaNet's paper computes P6 from C5; other models compute it from P5. As in torchvision, the channels of the P6 convolution
/// tell which: if it has as many input as output channels, its input is P5.
/// </summary>
internal sealed class ExtraLevels : IDisposable
{
    private readonly Device device;
    private readonly ConvolutionLayer? p6;
    private readonly ConvolutionLayer? p7;
    private readonly bool fromPyramid;

    private ExtraLevels(Device device, ConvolutionLayer? p6, ConvolutionLayer? p7, bool fromPyramid)
    {
        this.device = device;
        this.p6 = p6;
        this.p7 = p7;
        this.fromPyramid = fromPyramid;
    }

    /// <summary>A description for users.</summary>
    public string Description => p6 is null
        ? "the last by subsampling"
        : $"the last two by convolution, from {(fromPyramid ? "the level below" : "the top map")}";

    /// <summary>The number of extra levels: 2 for RetinaNet, otherwise 1.</summary>
    public int Count => p6 is null ? 1 : 2;

    /// <summary>Reads RetinaNet's convolutions if the file has them.</summary>
    /// <param name="device">The device that holds the weights.</param>
    /// <param name="weights">Reads the tensors of the model file.</param>
    /// <param name="name">The prefix of the tensors' names: <c>backbone.fpn.extra_blocks</c>.</param>
    /// <param name="topC">Channels of the backbone's top map.</param>
    /// <param name="pyramidC">Channels of the pyramid, d.</param>
    public static ExtraLevels Read(Device device, WeightReader weights, string name, int topC, int pyramidC)
    {
        if (!weights.HasAny(name + "."))
            return new ExtraLevels(device, null, null, fromPyramid: true);
        var fromPyramid = weights.Size(name + ".p6.weight", 1, 4) == pyramidC;
        var window = ConvolutionWindow.Square(stride: 2, padding: 1);
        return new ExtraLevels(
            device,
            weights.Convolution(name + ".p6", fromPyramid ? pyramidC : topC, window, Activation.None, outputC: pyramidC),
            weights.Convolution(name + ".p7", pyramidC, window, Activation.None, outputC: pyramidC),
            fromPyramid);
    }

    /// <summary>The shapes of the extra levels.</summary>
    public IEnumerable<Shape> OutputShapes(Shape topMap, Shape topLevel)
    {
        if (p6 is null || p7 is null)
            return [MaxPool.OutputShape(topLevel, kernel: 1, stride: 2, padding: 0)];
        var shape = p6.OutputShape(fromPyramid ? topLevel : topMap);
        return [shape, p7.OutputShape(shape)];
    }

    /// <summary>Computes the extra levels.</summary>
    /// <param name="topMap">The backbone's top map, [N, H, W, C].</param>
    /// <param name="pyramid">The pyramid; it holds the level below and receives the extra levels.</param>
    /// <param name="top">The index of the level below.</param>
    public void Run(Tensor topMap, FeatureMaps pyramid, int top)
    {
        if (p6 is null || p7 is null)
        {
            MaxPool.Run(device, pyramid[top], kernel: 1, stride: 2, padding: 0, pyramid[top + 1]);
            return;
        }
        p6.Run(fromPyramid ? pyramid[top] : topMap, null, pyramid[top + 1]);
        using var clamped = Tensor.Rent(device, pyramid[top + 1].Shape);
        Activate.Run(device, pyramid[top + 1], Activation.Relu, clamped);
        p7.Run(clamped, null, pyramid[top + 2]);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        p6?.Dispose();
        p7?.Dispose();
    }
}
