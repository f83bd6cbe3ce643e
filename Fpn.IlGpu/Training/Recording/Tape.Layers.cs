using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Training;

// Operators with weights, and those that follow them.
internal sealed partial class Tape
{
    /// <summary>A convolution with what follows it (see <see cref="Kernels.Convolution"/>): norm, residual, activation.</summary>
    /// <param name="x">[N, H, W, C].</param>
    /// <param name="layer">Its weights.</param>
    /// <param name="activation">None or ReLU.</param>
    /// <param name="residual">To be added before the activation; of another size than the output, it is upsampled.</param>
    /// <param name="into">Where the output goes, or null for memory of its own.</param>
    public Variable Convolution(
        Variable x, TrainableConvolution layer, Activation activation, Variable? residual = null, Tensor? into = null)
    {
        if (layer.Norm is null)
            return Convolve(x, layer, activation, residual, into);
        using var convolved = Convolve(x, layer, Activation.None, null, null);
        if (residual is null)
            return BatchNorm(convolved, layer.Norm, activation, into);
        using var normalised = BatchNorm(convolved, layer.Norm, Activation.None);
        if (residual.Shape == normalised.Shape)
            return Add(normalised, residual, activation, into);
        return activation == Activation.None && into is null
            ? UpsampleAdd(normalised, residual)
            : throw new ArgumentException("What is upsampled and merged has no activation.", nameof(activation));
    }

    /// <summary>A fully connected layer (see <see cref="MatrixProduct"/>).</summary>
    /// <param name="x">[M, …].</param>
    /// <param name="layer">Its weights.</param>
    /// <param name="activation">None or ReLU.</param>
    public Variable Linear(Variable x, TrainableLinear layer, Activation activation)
    {
        Check(activation);
        var rows = x.Shape.N;
        var output = New(Tensor.Rent(device, new Shape(rows, 1, 1, layer.OutputC)));
        using var liveRows = device.Upload<int>([rows]);
        MatrixProduct.Run(device, x.Value, layer.Forward(), liveRows.View, activation, output.Value);
        if (isWatched)
            NumberWatch.Forward(layer.Name, layer.Parameters, output.Value);
        if (!layer.IsTrained && !x.NeedsGradient)
            return output;
        Record(output, Kept(x, layer.IsTrained, output, activation), gradient =>
        {
            if (activation == Activation.Relu)
                ActivationBackward.Relu(device, gradient, output.Value, gradient);
            if (layer.IsTrained)
                layer.AddGradients(x.Value, gradient);
            if (x.NeedsGradient)
            {
                var (inputGradient, accumulate) = x.GradientToWrite();
                layer.Backward().Run(gradient, inputGradient, accumulate);
            }
            if (isWatched)
                NumberWatch.Backward(layer.Name, layer.Parameters, x.Gradient);
        });
        return output;
    }

    /// <summary>A batch norm that is not folded into weights, and its activation (see <see cref="Kernels.BatchNorm"/>).</summary>
    /// <param name="x">[N, H, W, C].</param>
    /// <param name="norm">Its weights.</param>
    /// <param name="activation">None or ReLU.</param>
    /// <param name="into">Where the output goes, or null for memory of its own.</param>
    public Variable BatchNorm(Variable x, TrainableNorm norm, Activation activation, Tensor? into = null)
    {
        Check(activation);
        var output = New(into ?? Tensor.Rent(device, x.Shape));
        var used = Hold(norm.Run(x.Value, activation, output.Value));
        if (isWatched)
            NumberWatch.Forward(norm.Name, norm.Parameters, output.Value);
        Record(output, Kept(x, true, output, activation), gradient =>
        {
            if (activation == Activation.Relu)
                ActivationBackward.Relu(device, gradient, output.Value, gradient);
            norm.AddGradients(x.Value, gradient, used, x.NeedsGradient ? gradient : null);
            if (x.NeedsGradient)
                PassOn(output, x);
            if (isWatched)
                NumberWatch.Backward(norm.Name, norm.Parameters, x.Gradient);
        });
        return output;
    }

    /// <summary>The sum of two maps of one size, and its activation: the end of a residual block.</summary>
    /// <param name="a">[N, H, W, C].</param>
    /// <param name="b">[N, H, W, C].</param>
    /// <param name="activation">None or ReLU.</param>
    /// <param name="into">Where the output goes, or null for memory of its own.</param>
    public Variable Add(Variable a, Variable b, Activation activation, Tensor? into = null)
    {
        Check(activation);
        var output = New(into ?? Tensor.Rent(device, a.Shape));
        ResidualSum.Run(device, a.Value, b.Value, activation, output.Value);
        if (!a.NeedsGradient && !b.NeedsGradient)
            return output;
        Record(output, activation == Activation.Relu ? [output] : [], gradient =>
        {
            if (activation == Activation.Relu)
                ActivationBackward.Relu(device, gradient, output.Value, gradient);
            if (a.NeedsGradient && b.NeedsGradient)
                Accumulate.Run(device, gradient.View, a.GradientToAddTo().View);
            PassOn(output, b.NeedsGradient ? b : a);
        });
        return output;
    }

    /// <summary>A finer map and a coarser one, upsampled to its size: the top-down pathway (see <see cref="UpsampleMerge"/>).</summary>
    /// <param name="lateral">[N, H, W, C].</param>
    /// <param name="top">[N, Ht, Wt, C].</param>
    public Variable UpsampleAdd(Variable lateral, Variable top)
    {
        var output = New(Tensor.Rent(device, lateral.Shape));
        UpsampleMerge.Run(device, lateral.Value, top.Value, output.Value);
        if (!lateral.NeedsGradient && !top.NeedsGradient)
            return output;
        Record(output, [], gradient =>
        {
            if (top.NeedsGradient)
                UpsampleBackward.Run(device, gradient, top.GradientToAddTo());
            if (lateral.NeedsGradient)
                PassOn(output, lateral);
        });
        return output;
    }

    /// <summary>A coarser map, upsampled to a size (see <see cref="UpsampleMerge.Upsample"/>).</summary>
    /// <param name="x">[N, Ht, Wt, C].</param>
    /// <param name="shape">[N, H, W, C].</param>
    public Variable Upsample(Variable x, Shape shape)
    {
        var output = New(Tensor.Rent(device, shape));
        UpsampleMerge.Upsample(device, x.Value, output.Value);
        if (x.NeedsGradient)
            Record(output, [], gradient => UpsampleBackward.Run(device, gradient, x.GradientToAddTo()));
        return output;
    }

    private static void Check(Activation activation)
    {
        if (activation is not (Activation.None or Activation.Relu))
            throw new ArgumentException($"There is no gradient of {activation} here.", nameof(activation));
    }

    private static IEnumerable<Variable> Kept(Variable x, bool isTrained, Variable output, Activation activation)
    {
        if (isTrained)
            yield return x;
        if (activation == Activation.Relu)
            yield return output;
    }

    /// <summary>A convolution, a batch norm folded into it or none at all; residual and activation are its epilogue.</summary>
    private Variable Convolve(Variable x, TrainableConvolution layer, Activation activation, Variable? residual, Tensor? into)
    {
        Check(activation);
        var shape = layer.OutputShape(x.Shape);
        var output = New(into ?? Tensor.Rent(device, shape));
        var isUpsampled = residual is not null && residual.Shape != shape;
        Kernels.Convolution.Run(device, x.Value, layer.Forward(), residual?.Value, activation, output.Value, isUpsampled);
        if (isWatched)
            NumberWatch.Forward(layer.Name, layer.Parameters, output.Value);
        if (!layer.IsTrained && !x.NeedsGradient && residual is not { NeedsGradient: true })
            return output;
        Record(output, Kept(x, layer.IsTrained, output, activation), gradient =>
        {
            if (activation == Activation.Relu)
                ActivationBackward.Relu(device, gradient, output.Value, gradient);
            if (layer.IsTrained)
                layer.AddGradients(x.Value, gradient);
            if (x.NeedsGradient)
            {
                var (inputGradient, accumulate) = x.GradientToWrite();
                layer.Backward().Run(gradient, inputGradient, accumulate);
            }
            if (isWatched)
                NumberWatch.Backward(layer.Name, layer.Parameters, x.Gradient);
            AddResidualGradient(output, residual, isUpsampled);
        });
        return output;
    }

    private void AddResidualGradient(Variable output, Variable? residual, bool isUpsampled)
    {
        if (residual is not { NeedsGradient: true })
            return;
        if (isUpsampled)
            UpsampleBackward.Run(device, output.Gradient!, residual.GradientToAddTo());
        else
            PassOn(output, residual);
    }
}
