using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The gradient of the input of a fully connected layer:
/// <code>din[m, y, x, c] = Σ k  dout[m, k] · weights[k, c, y, x]</code>
/// Each row m of the input is a map that the layer sees as a whole, such as a RoI's features in the box head, or is 1×1 already. The
/// gradient is a matrix product of the same kind as the forward pass, and so shares its tile. The gradient of the weights is that of a
/// convolution whose window is the map: <see cref="ConvolutionBackwardWeights"/>.
/// </summary>
internal sealed class MatrixProductBackward : IDisposable
{
    private readonly Device device;
    private readonly ConvolutionWeights weights;

    private MatrixProductBackward(Device device, ConvolutionWeights weights) => (this.device, this.weights) = (device, weights);

    /// <summary>Reserves room for the packed weights; <see cref="Pack"/> fills it.</summary>
    /// <param name="device">The device to reserve it on.</param>
    /// <param name="geometry">The layer as a convolution whose window is the whole map.</param>
    public static MatrixProductBackward Reserve(Device device, ConvolutionGeometry geometry)
    {
        var values = geometry.KernelH * geometry.KernelW * geometry.ChannelGroupInputC;
        return new MatrixProductBackward(
            device,
            ConvolutionWeights.Reserve(
                device, ConvolutionGeometry.Product(geometry.OutputC, values), WeightLayout.BackwardProduct(geometry), bias: null));
    }

    /// <summary>Packs the current weights.</summary>
    /// <param name="parameter">[K, C, H, W].</param>
    public void Pack(ArrayView<float> parameter) => weights.Pack(device, parameter);

    /// <summary>Computes the gradient with the weights that were packed last.</summary>
    /// <param name="outputGradient">dout, [M, 1, 1, K].</param>
    /// <param name="inputGradient">din, [M, H, W, C].</param>
    /// <param name="accumulate">Whether to add to din instead of overwriting it.</param>
    public void Run(Tensor outputGradient, Tensor inputGradient, bool accumulate = false)
    {
        var rows = outputGradient.Shape.N;
        var (depth, values) = (weights.Geometry.ChannelGroupInputC, weights.OutputC);
        if (outputGradient.Shape.Length != (long)rows * depth || inputGradient.Shape.Length != (long)rows * values)
        {
            throw new ArgumentException(
                $"A product of {values} to {depth} values doesn't fit gradients of {inputGradient.Shape} and {outputGradient.Shape}.");
        }
        var sizes = ConvolutionSizes.From(
            new Shape(1, 1, rows, depth), new Shape(1, 1, rows, values), weights.Geometry,
            accumulate ? Residual.SameSize : Residual.None, Activation.None);
        Convolution.Compute(device, sizes, outputGradient, weights, accumulate ? inputGradient : null, inputGradient);
    }

    /// <inheritdoc/>
    public void Dispose() => weights.Dispose();
}
