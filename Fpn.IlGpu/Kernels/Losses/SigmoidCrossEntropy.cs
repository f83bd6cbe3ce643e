using Fpn.IlGpu.Runtime;
using ILGPU;
using ILGPU.Algorithms;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// Sigmoid cross-entropy of logits x and targets t, the loss of the RPN's objectness, and its gradient:
/// <code>
/// loss[s]         = scale · (max(x, 0) − x · t + log(1 + exp(−|x|)))
/// gradient[at[s]] = scale · (sigmoid(x) − t)
/// </code>
/// in the form in which exp can't overflow. Only samples count: at[s] is where sample s has its logit among all, and no two
/// have the same. scale is 1 / S for the mean.
/// </summary>
internal static class SigmoidCrossEntropy
{
    /// <summary>Runs it.</summary>
    /// <param name="device">Where all arrays are.</param>
    /// <param name="logits">All logits.</param>
    /// <param name="at">[S]: which of them; no two the same.</param>
    /// <param name="targets">[S], 0…1.</param>
    /// <param name="scale">Of all losses.</param>
    /// <param name="losses">[S].</param>
    /// <param name="gradient">As long as the logits; only those of samples are written.</param>
    public static void Run(
        Device device, ArrayView<float> logits, ArrayView<int> at, ArrayView<float> targets, float scale, ArrayView<float> losses,
        ArrayView<float> gradient)
    {
        if (targets.Length != at.Length || losses.Length != at.Length || gradient.Length != logits.Length)
            throw new ArgumentException($"{targets.Length} targets don't fit {at.Length} samples.", nameof(targets));
        device.Launch(Kernel, (int)at.Length, logits, at, targets, scale, losses, gradient);
    }

    /// <summary>One thread = one sample.</summary>
    internal static void Kernel(
        Index1D index, ArrayView<float> logits, ArrayView<int> at, ArrayView<float> targets, float scale, ArrayView<float> losses,
        ArrayView<float> gradient)
    {
        var x = logits[at[index]];
        var target = targets[index];
        losses[index] = scale * (XMath.Max(x, 0) - x * target + XMath.Log(1 + XMath.Exp(-XMath.Abs(x))));
        gradient[at[index]] = scale * (Sigmoid.Of(x) - target);
    }
}
