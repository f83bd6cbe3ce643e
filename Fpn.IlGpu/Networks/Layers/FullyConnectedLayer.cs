using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// A fully connected layer, then an activation. Its input is rows, or whole maps, which PyTorch flattens from [C, H, W] and this library
/// from [H, W, C].
/// </summary>
internal sealed class FullyConnectedLayer : WeightedLayer
{
    private readonly ConvolutionGeometry geometry;
    private readonly Activation activation;
    private ConvolutionWeights? packed;
    private TrainedProduct? trained;

    /// <summary>Defines a layer, and adds it to a network.</summary>
    /// <param name="layers">The layers of the network.</param>
    /// <param name="name">The layer's name.</param>
    /// <param name="inputC">Channels of its input, C.</param>
    /// <param name="side">The height and width of its input: 7 for a RoI's features, 1 for rows.</param>
    /// <param name="outputC">The number of outputs, K.</param>
    /// <param name="activation">The activation at the end: none or ReLU.</param>
    public FullyConnectedLayer(LayerSet layers, string name, int inputC, int side, int outputC, Activation activation)
        : base(layers, name)
    {
        this.activation = activation;
        // The layer is a convolution whose window covers the whole map.
        geometry = new ConvolutionGeometry(side, side, inputC, outputC, ConvolutionWindow.Square());
    }

    /// <summary>The number of outputs, K.</summary>
    public int OutputC => geometry.OutputC;

    /// <inheritdoc/>
    internal override IEnumerable<TensorSpec> Tensors =>
    [
        new(Name + ".weight", [OutputC, Inputs], Initial.Linear, Inputs),
        new(Name + ".bias", [OutputC], Initial.Linear, Inputs),
    ];

    private int Inputs => geometry.KernelH * geometry.KernelW * geometry.ChannelGroupInputC;

    /// <summary>Runs the layer (see <see cref="MatrixProduct"/>); the caller disposes the output and keeps the input.</summary>
    /// <param name="tape">The tape to run on.</param>
    /// <param name="x">The input, [M, side, side, C].</param>
    /// <param name="liveRows">The number of valid rows among the M, [1].</param>
    /// <returns>The output, [M, 1, 1, K].</returns>
    public Variable Run(Tape tape, Variable x, ArrayView<int> liveRows)
    {
        var device = tape.Device;
        var output = tape.New(Tensor.Rent(device, new Shape(x.Shape.N, 1, 1, OutputC)));
        MatrixProduct.Run(device, x.Value, packed ?? trained!.Forward(), liveRows, activation, output.Value);
        if (tape.IsWatched)
            NumberWatch.Forward(Name, trained!.Parameters, output.Value);
        var learns = tape.Records && trained is { IsTrained: true };
        if (!learns && !x.NeedsGradient)
            return output;
        tape.Record(output, Tape.Kept(learns ? x : null, output, activation), gradient =>
        {
            if (activation != Activation.None)
                ActivationBackward.Run(device, activation, gradient, output.Value, gradient);
            if (learns)
                trained!.AddGradients(x.Value, gradient);
            if (x.NeedsGradient)
            {
                var (inputGradient, accumulate) = x.GradientToWrite();
                trained!.Backward().Run(gradient, inputGradient, accumulate);
            }
            if (tape.IsWatched)
                NumberWatch.Backward(Name, trained!.Parameters, x.Gradient);
        });
        return output;
    }

    /// <inheritdoc/>
    internal override void Load(Device device, WeightReader weights)
    {
        var rows = weights.Rows(Name + ".weight", OutputC, Inputs);
        var bias = weights.Read(Name + ".bias", OutputC);
        var form = ConvolutionForms.Choose(device, ConvolutionGeometry.Product(Inputs, OutputC));
        packed = ConvolutionWeights.FromTorch(device, rows, bias, scale: null, geometry, form).AsMatrix();
    }

    /// <inheritdoc/>
    internal override void Load(ParameterSet parameters, LayerTraining training)
        => trained = new TrainedProduct(parameters, Name, geometry, training);

    /// <inheritdoc/>
    public override void Dispose()
    {
        packed?.Dispose();
        trained?.Dispose();
    }
}
