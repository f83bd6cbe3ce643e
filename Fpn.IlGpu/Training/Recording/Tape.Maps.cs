using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Training;

// Operators without weights.
internal sealed partial class Tape
{
    /// <summary>The sum of two maps of the same size, then an activation: the end of a residual block.</summary>
    /// <param name="a">The first map, [N, H, W, C].</param>
    /// <param name="b">The second map, [N, H, W, C].</param>
    /// <param name="activation">None or ReLU.</param>
    /// <param name="into">The memory for the output, or null to rent it.</param>
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

    /// <summary>The sum of a finer map and an upsampled coarser one: the top-down pathway (see <see cref="UpsampleMerge"/>).</summary>
    /// <param name="lateral">The finer map, [N, H, W, C].</param>
    /// <param name="top">The coarser map, [N, Ht, Wt, C].</param>
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

    /// <summary>A coarser map, upsampled to a given size (see <see cref="UpsampleMerge.Upsample"/>).</summary>
    /// <param name="x">The coarser map, [N, Ht, Wt, C].</param>
    /// <param name="shape">The output shape, [N, H, W, C].</param>
    public Variable Upsample(Variable x, Shape shape)
    {
        var output = New(Tensor.Rent(device, shape));
        UpsampleMerge.Upsample(device, x.Value, output.Value);
        if (x.NeedsGradient)
            Record(output, [], gradient => UpsampleBackward.Run(device, gradient, x.GradientToAddTo()));
        return output;
    }

    /// <summary>Throws if the tape has no gradient for an activation.</summary>
    internal static void Check(Activation activation)
    {
        if (activation is not (Activation.None or Activation.Relu))
            throw new ArgumentException($"The tape has no gradient for {activation}.", nameof(activation));
    }
}
