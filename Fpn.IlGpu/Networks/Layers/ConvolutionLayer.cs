using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// A convolution with what follows it: a batch norm, a residual to add, an activation. It is the building block of all networks. In
/// inference all of them are one kernel, with the batch norm folded into the weights.
/// </summary>
public sealed class ConvolutionLayer : WeightedLayer, ILayer
{
    private readonly string? batchNorm;
    private readonly bool hasBias;
    private readonly Initial initial;
    private readonly Initial initialBias;
    private readonly ConvolutionGeometry geometry;
    private readonly Activation activation;
    private ConvolutionWeights? packed;
    private TrainedConvolution? trained;

    /// <summary>Defines a layer, and adds it to a network.</summary>
    /// <param name="layers">The layers of the network.</param>
    /// <param name="name">The convolution's name.</param>
    /// <param name="inputC">Channels of the input, C.</param>
    /// <param name="outputC">Channels of the output, K.</param>
    /// <param name="window">Stride, padding, dilation, groups. The padding keeps the size of the map, apart from the stride.</param>
    /// <param name="activation">The activation at the end.</param>
    /// <param name="batchNorm">The name of the batch norm that follows, or null.</param>
    /// <param name="hasBias">Whether it has a bias; null for one where no batch norm follows, which adds its own.</param>
    /// <param name="initial">The initial weights.</param>
    /// <param name="initialBias">The initial bias.</param>
    public ConvolutionLayer(
        LayerSet layers, string name, int inputC, int outputC, ConvolutionWindow window, Activation activation, string? batchNorm = null,
        bool? hasBias = null, Initial initial = Initial.KaimingNormal, Initial initialBias = Initial.Zeros)
        : base(layers, name)
    {
        this.batchNorm = batchNorm;
        this.hasBias = hasBias ?? batchNorm is null;
        this.initial = initial;
        this.initialBias = initialBias;
        this.activation = activation;
        var (kernelH, kernelW) = (2 * window.Padding.Y + 1, 2 * window.Padding.X + 1);
        geometry = new ConvolutionGeometry(kernelH, kernelW, inputC / window.ChannelGroups, outputC, window);
    }

    /// <summary>The number of output channels, K.</summary>
    public int OutputC => geometry.OutputC;

    /// <inheritdoc/>
    internal override IEnumerable<TensorSpec> Tensors
    {
        get
        {
            var inputs = geometry.ChannelGroupInputC * geometry.KernelH * geometry.KernelW;
            yield return new TensorSpec(
                Name + ".weight", [OutputC, geometry.ChannelGroupInputC, geometry.KernelH, geometry.KernelW], initial, inputs);
            if (hasBias)
                yield return new TensorSpec(Name + ".bias", [OutputC], initialBias, inputs);
            if (batchNorm is null)
                yield break;
            yield return new TensorSpec(batchNorm + ".weight", [OutputC], Initial.Ones, inputs);
            yield return new TensorSpec(batchNorm + ".bias", [OutputC], Initial.Zeros, inputs);
            yield return new TensorSpec(batchNorm + ".running_mean", [OutputC], Initial.Zeros, inputs);
            yield return new TensorSpec(batchNorm + ".running_var", [OutputC], Initial.Ones, inputs);
        }
    }

    /// <summary>The output shape for an input shape.</summary>
    internal Shape OutputShape(Shape input) => geometry.Window.OutputShape(input, geometry.KernelH, geometry.KernelW, OutputC);

    /// <summary>Runs the layer; the caller disposes the output and keeps the inputs.</summary>
    /// <param name="tape">The tape to run on.</param>
    /// <param name="x">The input, [N, H, W, C].</param>
    /// <param name="residual">A map to add before the activation, or null; upsampled if its size differs from the output's.</param>
    public Variable Run(Tape tape, Variable x, Variable? residual = null) => Run(tape, x, residual, into: null);

    /// <summary>Runs the layer; the caller disposes the output and keeps the inputs.</summary>
    /// <param name="tape">The tape to run on.</param>
    /// <param name="x">The input, [N, H, W, C].</param>
    /// <param name="residual">A map to add before the activation, or null; upsampled if its size differs from the output's.</param>
    /// <param name="into">The memory for the output, or null to rent it.</param>
    internal Variable Run(Tape tape, Variable x, Variable? residual, Tensor? into)
    {
        if (tape.Records && trained?.Norm is { } norm)
            return RunUnfolded(tape, x, norm, residual, into);
        var needsGradient = Learns(tape) || x.NeedsGradient || residual is { NeedsGradient: true };
        if (!needsGradient || !ActivationBackward.NeedsInput(activation))
            return Convolve(tape, x, activation, residual, into);
        using var convolved = Convolve(tape, x, Activation.None, residual);
        return tape.Activate(convolved, activation, into);
    }

    /// <inheritdoc/>
    Variable ILayer.Run(Tape tape, Variable x) => Run(tape, x);

    /// <inheritdoc/>
    internal override void Load(Device device, WeightReader weights)
    {
        var bias = hasBias || weights.Has(Name + ".bias") ? weights.Read(Name + ".bias", OutputC) : new float[OutputC];
        var rows = weights.Rows(
            Name + ".weight", OutputC, geometry.ChannelGroupInputC, geometry.KernelH, geometry.KernelW);
        var scale = batchNorm is null ? null : weights.FoldBatchNorm(batchNorm, bias);
        packed = ConvolutionWeights.FromTorch(device, rows, bias, scale, geometry);
    }

    /// <inheritdoc/>
    internal override void Load(ParameterSet parameters, LayerTraining training)
    {
        trained = new TrainedConvolution(parameters, Name, geometry, hasBias, batchNorm, training);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        packed?.Dispose();
        trained?.Dispose();
    }

    private bool Learns(Tape tape) => tape.Records && trained is { IsTrained: true };

    /// <summary>Runs the layer with a batch norm that is trained, and so can't be folded into the weights.</summary>
    private Variable RunUnfolded(Tape tape, Variable x, TrainedBatchNorm norm, Variable? residual, Tensor? into)
    {
        using var convolved = Convolve(tape, x, Activation.None);
        if (residual is null)
            return norm.Run(tape, convolved, activation, into);
        using var normalised = norm.Run(tape, convolved, Activation.None);
        if (residual.Shape == normalised.Shape)
            return tape.Add(normalised, residual, activation, into);
        if (activation == Activation.None && into is null)
            return tape.UpsampleAdd(normalised, residual);
        using var merged = tape.UpsampleAdd(normalised, residual);
        return tape.Activate(merged, activation, into);
    }

    /// <summary>Runs the convolution; residual and activation run in its epilogue.</summary>
    private Variable Convolve(Tape tape, Variable x, Activation epilogue, Variable? residual = null, Tensor? into = null)
    {
        var shape = OutputShape(x.Shape);
        var output = tape.New(into ?? Tensor.Rent(tape.Device, shape));
        var isUpsampled = residual is not null && residual.Shape != shape;
        var weights = packed ?? trained!.Forward(isFolded: !tape.Records);
        Convolution.Run(tape.Device, x.Value, weights, residual?.Value, epilogue, output.Value, isUpsampled);
        if (tape.IsWatched)
            NumberWatch.Forward(Name, trained!.Parameters, output.Value);
        var learns = Learns(tape);
        if (!learns && !x.NeedsGradient && residual is not { NeedsGradient: true })
            return output;
        Record(tape, output, x, residual, epilogue, isUpsampled);
        return output;
    }

    // Apart, because a method with a lambda allocates what it captures, also where nothing is recorded.
    private void Record(Tape tape, Variable output, Variable x, Variable? residual, Activation epilogue, bool isUpsampled)
    {
        var learns = Learns(tape);
        tape.Record(output, Tape.Kept(learns ? x : null, output, epilogue), gradient =>
        {
            if (epilogue != Activation.None)
                ActivationBackward.Run(tape.Device, epilogue, gradient, output.Value, gradient);
            if (learns)
                trained!.AddGradients(x.Value, gradient);
            if (x.NeedsGradient)
            {
                var (inputGradient, accumulate) = x.GradientToWrite();
                trained!.Backward().Run(gradient, inputGradient, accumulate);
            }
            if (tape.IsWatched)
                NumberWatch.Backward(Name, trained!.Parameters, x.Gradient);
            if (residual is not { NeedsGradient: true })
                return;
            if (isUpsampled)
                UpsampleBackward.Run(tape.Device, output.Gradient!, residual.GradientToAddTo());
            else
                Tape.PassOn(output, residual);
        });
    }
}
