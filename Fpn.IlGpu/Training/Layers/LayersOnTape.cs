using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Training;

/// <summary>Operators with weights that a tape records.</summary>
internal static class LayersOnTape
{
    extension(Tape tape)
    {
        /// <summary>A convolution, then norm, residual and activation (see <see cref="Kernels.Convolution"/>).</summary>
        /// <param name="x">The input, [N, H, W, C].</param>
        /// <param name="layer">The layer.</param>
        /// <param name="activation">None or ReLU.</param>
        /// <param name="residual">A map to add before the activation, or null; upsampled if its size differs from the output's.</param>
        /// <param name="into">The memory for the output, or null to rent it.</param>
        public Variable Convolution(
            Variable x, TrainableConvolution layer, Activation activation, Variable? residual = null, Tensor? into = null)
        {
            if (layer.Norm is null)
                return tape.Convolve(x, layer, activation, residual, into);
            using var convolved = tape.Convolve(x, layer, Activation.None, null, null);
            if (residual is null)
                return tape.BatchNorm(convolved, layer.Norm, activation, into);
            using var normalised = tape.BatchNorm(convolved, layer.Norm, Activation.None);
            if (residual.Shape == normalised.Shape)
                return tape.Add(normalised, residual, activation, into);
            return activation == Activation.None && into is null
                ? tape.UpsampleAdd(normalised, residual)
                : throw new ArgumentException("An upsampled residual can't be combined with an activation here.", nameof(activation));
        }

        /// <summary>A fully connected layer (see <see cref="MatrixProduct"/>).</summary>
        /// <param name="x">The input, [M, …].</param>
        /// <param name="layer">The layer.</param>
        /// <param name="activation">None or ReLU.</param>
        public Variable Linear(Variable x, TrainableLinear layer, Activation activation)
        {
            Tape.Check(activation);
            var rows = x.Shape.N;
            var output = tape.New(Tensor.Rent(tape.Device, new Shape(rows, 1, 1, layer.OutputC)));
            using var liveRows = tape.Device.Upload<int>([rows]);
            MatrixProduct.Run(tape.Device, x.Value, layer.Forward(), liveRows.View, activation, output.Value);
            if (tape.IsWatched)
                NumberWatch.Forward(layer.Name, layer.Parameters, output.Value);
            if (!layer.IsTrained && !x.NeedsGradient)
                return output;
            tape.Record(output, Kept(x, layer.IsTrained, output, activation), gradient =>
            {
                if (activation == Activation.Relu)
                    ActivationBackward.Relu(tape.Device, gradient, output.Value, gradient);
                if (layer.IsTrained)
                    layer.AddGradients(x.Value, gradient);
                if (x.NeedsGradient)
                {
                    var (inputGradient, accumulate) = x.GradientToWrite();
                    layer.Backward().Run(gradient, inputGradient, accumulate);
                }
                if (tape.IsWatched)
                    NumberWatch.Backward(layer.Name, layer.Parameters, x.Gradient);
            });
            return output;
        }

        /// <summary>A batch norm that is not folded into weights, then an activation (see <see cref="Kernels.BatchNorm"/>).</summary>
        /// <param name="x">The input, [N, H, W, C].</param>
        /// <param name="norm">The layer.</param>
        /// <param name="activation">None or ReLU.</param>
        /// <param name="into">The memory for the output, or null to rent it.</param>
        public Variable BatchNorm(Variable x, TrainableNorm norm, Activation activation, Tensor? into = null)
        {
            Tape.Check(activation);
            var output = tape.New(into ?? Tensor.Rent(tape.Device, x.Shape));
            var used = tape.Hold(norm.Run(x.Value, activation, output.Value));
            if (tape.IsWatched)
                NumberWatch.Forward(norm.Name, norm.Parameters, output.Value);
            tape.Record(output, Kept(x, true, output, activation), gradient =>
            {
                if (activation == Activation.Relu)
                    ActivationBackward.Relu(tape.Device, gradient, output.Value, gradient);
                norm.AddGradients(x.Value, gradient, used, x.NeedsGradient ? gradient : null);
                if (x.NeedsGradient)
                    Tape.PassOn(output, x);
                if (tape.IsWatched)
                    NumberWatch.Backward(norm.Name, norm.Parameters, x.Gradient);
            });
            return output;
        }

        /// <summary>A convolution without a batch norm, or with a folded one; residual and activation run in its epilogue.</summary>
        private Variable Convolve(Variable x, TrainableConvolution layer, Activation activation, Variable? residual, Tensor? into)
        {
            Tape.Check(activation);
            var shape = layer.OutputShape(x.Shape);
            var output = tape.New(into ?? Tensor.Rent(tape.Device, shape));
            var isUpsampled = residual is not null && residual.Shape != shape;
            Kernels.Convolution.Run(tape.Device, x.Value, layer.Forward(), residual?.Value, activation, output.Value, isUpsampled);
            if (tape.IsWatched)
                NumberWatch.Forward(layer.Name, layer.Parameters, output.Value);
            if (!layer.IsTrained && !x.NeedsGradient && residual is not { NeedsGradient: true })
                return output;
            tape.Record(output, Kept(x, layer.IsTrained, output, activation), gradient =>
            {
                if (activation == Activation.Relu)
                    ActivationBackward.Relu(tape.Device, gradient, output.Value, gradient);
                if (layer.IsTrained)
                    layer.AddGradients(x.Value, gradient);
                if (x.NeedsGradient)
                {
                    var (inputGradient, accumulate) = x.GradientToWrite();
                    layer.Backward().Run(gradient, inputGradient, accumulate);
                }
                if (tape.IsWatched)
                    NumberWatch.Backward(layer.Name, layer.Parameters, x.Gradient);
                tape.AddResidualGradient(output, residual, isUpsampled);
            });
            return output;
        }

        private void AddResidualGradient(Variable output, Variable? residual, bool isUpsampled)
        {
            if (residual is not { NeedsGradient: true })
                return;
            if (isUpsampled)
                UpsampleBackward.Run(tape.Device, output.Gradient!, residual.GradientToAddTo());
            else
                Tape.PassOn(output, residual);
        }
    }

    private static IEnumerable<Variable> Kept(Variable x, bool isTrained, Variable output, Activation activation)
    {
        if (isTrained)
            yield return x;
        if (activation == Activation.Relu)
            yield return output;
    }
}
