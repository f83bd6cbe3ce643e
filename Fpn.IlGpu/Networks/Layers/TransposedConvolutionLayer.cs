using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// A transposed convolution of kernel 2 and stride 2, then a ReLU. Its windows don't overlap, so it is a 1×1 convolution from each
/// pixel to its four output pixels (see <see cref="TransposedWeights"/>). The four stay adjacent in memory.
/// </summary>
internal sealed class TransposedConvolutionLayer : WeightedLayer
{
    private readonly ConvolutionGeometry geometry;
    private readonly int inputC;
    private ConvolutionWeights? packed;
    private Trained? trained;

    /// <summary>Defines a layer, and adds it to a network.</summary>
    /// <param name="layers">The layers of the network.</param>
    /// <param name="name">The layer's name.</param>
    /// <param name="inputC">Channels of its input, C.</param>
    /// <param name="outputC">Channels of its output, K.</param>
    public TransposedConvolutionLayer(LayerSet layers, string name, int inputC, int outputC)
        : base(layers, name)
    {
        this.inputC = inputC;
        OutputC = outputC;
        geometry = ConvolutionGeometry.Product(inputC, 4 * outputC);
    }

    /// <summary>The number of output channels, K.</summary>
    public int OutputC { get; }

    /// <inheritdoc/>
    internal override IEnumerable<TensorSpec> Tensors =>
    [
        new(Name + ".weight", [inputC, OutputC, 2, 2], Initial.KaimingNormal, OutputC * 4),
        new(Name + ".bias", [OutputC], Initial.Zeros, OutputC * 4),
    ];

    /// <summary>Runs the layer; the caller disposes the output and keeps the input.</summary>
    /// <param name="tape">The tape to run on.</param>
    /// <param name="x">The input, [N, H, W, C].</param>
    /// <returns>
    /// The output, [N, H, 4 · W, K]; the four pixels (2y, 2x), (2y, 2x + 1), (2y + 1, 2x), (2y + 1, 2x + 1) are adjacent.
    /// </returns>
    public Variable Run(Tape tape, Variable x)
    {
        var device = tape.Device;
        var shape = x.Shape;
        var output = tape.New(Tensor.Rent(device, shape with { W = 4 * shape.W, C = OutputC }));
        var quartets = shape with { C = 4 * OutputC };
        Convolution.Run(device, x.Value, packed ?? trained!.Forward(), null, Activation.Relu, output.Value.As(quartets));
        if (tape.IsWatched)
            NumberWatch.Forward(Name, trained!.Parameters, output.Value);
        var learns = tape.Records && trained is { IsTrained: true };
        if (!learns && !x.NeedsGradient)
            return output;
        tape.Record(output, Tape.Kept(learns ? x : null, output, Activation.Relu), gradient =>
        {
            ActivationBackward.Run(device, Activation.Relu, gradient, output.Value, gradient);
            if (learns)
                trained!.AddGradients(x.Value, gradient, quartets);
            if (x.NeedsGradient)
            {
                var (inputGradient, accumulate) = x.GradientToWrite();
                trained!.Backward().Run(gradient.As(quartets), inputGradient, accumulate);
            }
            if (tape.IsWatched)
                NumberWatch.Backward(Name, trained!.Parameters, x.Gradient);
        });
        return output;
    }

    /// <inheritdoc/>
    internal override void Load(Device device, WeightReader weights)
    {
        var torch = weights.Read(Name + ".weight", inputC, OutputC, 2, 2);
        var bias = weights.Read(Name + ".bias", OutputC);
        packed = ConvolutionWeights.FromTorch(
            device, (first, rows) => TransposedWeights.ReadRows(torch, inputC, OutputC, first, rows), [.. bias, .. bias, .. bias, .. bias],
            scale: null, geometry);
    }

    /// <inheritdoc/>
    internal override void Load(ParameterSet parameters, LayerTraining training)
        => trained = new Trained(parameters, Name, geometry, OutputC, training);

    /// <inheritdoc/>
    public override void Dispose()
    {
        packed?.Dispose();
        trained?.Dispose();
    }

    /// <summary>The parameters, in PyTorch's order, and the weights that are packed from them.</summary>
    private sealed class Trained : IDisposable
    {
        private readonly ParameterSet parameters;
        private readonly ConvolutionGeometry geometry;
        private readonly Parameter weight;
        private readonly Parameter bias;
        private readonly DeviceArray<float> biases;
        private readonly ConvolutionWeights forward;
        private readonly ConvolutionBackwardData? backward;
        private int? forwardVersion;
        private int? backwardVersion;

        public Trained(ParameterSet parameters, string name, ConvolutionGeometry geometry, int outputC, LayerTraining training)
        {
            this.parameters = parameters;
            this.geometry = geometry;
            weight = parameters.Read(name + ".weight", training.IsTrained, geometry.ChannelGroupInputC, outputC, 2, 2);
            bias = parameters.Read(name + ".bias", training.IsTrained, outputC);
            biases = Device.Rent<float>(4 * outputC);
            // Reserve memory now, not at first use: if a step fails, all memory that was rented during it is freed.
            if (IsTrained)
                backward = ConvolutionBackwardData.Reserve(Device, geometry);
            forward = ConvolutionWeights.Reserve(Device, geometry, WeightLayout.Forward(geometry), biases.View);
        }

        public IEnumerable<Parameter> Parameters => [weight, bias];

        public bool IsTrained => weight.IsTrained;

        private Device Device => parameters.Device;

        public ConvolutionWeights Forward()
        {
            if (!parameters.IsOld(ref forwardVersion, IsTrained))
                return forward;
            TransposedWeights.RepeatBias(Device, bias.Value, biases.View);
            using var rows = Rows();
            forward.Pack(Device, rows.View);
            return forward;
        }

        public ConvolutionBackwardData Backward()
        {
            if (backward is null)
                throw new InvalidOperationException($"'{weight.Name}' is frozen, so every layer before it must be frozen too.");
            if (parameters.IsOld(ref backwardVersion, IsTrained))
            {
                using var rows = Rows();
                backward.Pack(rows.View);
            }
            return backward;
        }

        public void AddGradients(Tensor input, Tensor outputGradient, Shape quartets)
        {
            ConvolutionBackwardBias.Run(Device, outputGradient, bias.Gradient, bias.HasGradient);
            using var ofRows = Device.Rent<float>(weight.Value.Length);
            ConvolutionBackwardWeights.Run(Device, geometry, input, outputGradient.As(quartets), ofRows.View);
            TransposedWeights.FromRows(
                Device, ofRows.View, geometry.ChannelGroupInputC, geometry.OutputC / 4, weight.HasGradient, weight.Gradient);
            weight.HasGradient = bias.HasGradient = true;
        }

        public void Dispose()
        {
            biases.Dispose();
            forward.Dispose();
            backward?.Dispose();
        }

        private DeviceArray<float> Rows()
        {
            var rows = Device.Rent<float>(weight.Value.Length);
            TransposedWeights.ToRows(Device, weight.Value, geometry.ChannelGroupInputC, geometry.OutputC / 4, rows.View);
            return rows;
        }
    }
}
