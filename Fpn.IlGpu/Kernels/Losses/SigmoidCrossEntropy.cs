using Fpn.IlGpu.Runtime;
using ILGPU;
using ILGPU.Algorithms;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// Sigmoid cross-entropy of logits x and targets t, which is the loss of the RPN's objectness, and its gradient:
/// <code>
/// loss[s]         = scale · (max(x, 0) − x · t + log(1 + exp(−|x|)))
/// gradient[at[s]] = scale · (sigmoid(x) − t)
/// </code>
/// In this form exp can't overflow. Only samples count: at[s] is the index of sample s's logit, and no two samples share one. For the
/// mean, scale is 1 / S.
/// </summary>
internal static class SigmoidCrossEntropy
{
    /// <summary>Computes the losses and the gradient.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="logits">All logits, [length].</param>
    /// <param name="at">[S]: the index of each sample's logit; no two are the same.</param>
    /// <param name="targets">[S], 0…1.</param>
    /// <param name="scale">A factor for all losses.</param>
    /// <param name="losses">[S].</param>
    /// <param name="gradient">[length]; only the values of samples are written.</param>
    public static void Run(
        Device device, ArrayView<float> logits, ArrayView<int> at, ArrayView<float> targets, float scale, ArrayView<float> losses,
        ArrayView<float> gradient)
    {
        if (targets.Length != at.Length || losses.Length != at.Length || gradient.Length != logits.Length)
            throw new ArgumentException($"{targets.Length} targets don't fit {at.Length} samples.", nameof(targets));
        device.Launch(Kernel, (int)at.Length, logits, at, targets, scale, losses, gradient);
    }

    /// <summary>One thread = one sample s: its loss and its gradient.</summary>
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
