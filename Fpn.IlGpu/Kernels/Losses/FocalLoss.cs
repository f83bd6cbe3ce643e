using Fpn.IlGpu.Runtime;
using ILGPU;
using ILGPU.Algorithms;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The focal loss of RetinaNet's logits x (Lin et al., Focal Loss for Dense Object Detection, equation 5) and its gradient. Every anchor
/// counts, but those that are classified well count little. With p = sigmoid(x), and t = 1 for the class of an anchor's object, else 0:
/// <code>
/// pt = p,      αt = α          where t = 1
/// pt = 1 − p,  αt = 1 − α      where t = 0
/// loss[a]  = weight[a] · Σ k  αt · (1 − pt)^γ · −log(pt)
/// gradient = weight[a] · αt · (1 − pt)^γ · (γ · pt · −log(pt) + 1 − pt) · (−1 where t = 1, +1 where t = 0)
/// </code>
/// −log(pt) is computed as in <see cref="SigmoidCrossEntropy"/>, where exp can't overflow.
/// </summary>
internal static class FocalLoss
{
    /// <summary>The label of an anchor without an object: its t is 0 for every class.</summary>
    public const int Background = -1;

    /// <summary>The label of an anchor that has no loss.</summary>
    public const int Ignored = -2;

    /// <summary>Computes the losses and the gradient.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="logits">The logits, [A, classes].</param>
    /// <param name="labels">[A]: the class of each anchor's object, or <see cref="Background"/>, or <see cref="Ignored"/>.</param>
    /// <param name="weights">[A]: a factor for each anchor's loss.</param>
    /// <param name="alpha">α, the weight of objects against the background: usually 0.25.</param>
    /// <param name="gamma">γ, how fast well-classified anchors lose weight: usually 2.</param>
    /// <param name="losses">Receives the loss of each anchor, [A].</param>
    /// <param name="gradient">Receives the gradient of all logits, [A, classes].</param>
    public static void Run(
        Device device, ArrayView<float> logits, ArrayView<int> labels, ArrayView<float> weights, float alpha, float gamma,
        ArrayView<float> losses, ArrayView<float> gradient)
    {
        var anchors = (int)labels.Length;
        if (weights.Length != anchors || losses.Length != anchors || gradient.Length != logits.Length || logits.Length % anchors != 0)
            throw new ArgumentException($"{anchors} labels don't fit {logits.Length} logits.", nameof(labels));
        var sizes = new Sizes((int)(logits.Length / anchors), alpha, gamma);
        device.Launch(Kernel, anchors, logits, labels, weights, sizes, losses, gradient);
    }

    /// <summary>One thread = one anchor a: its loss, and the gradient of its logits.</summary>
    internal static void Kernel(
        Index1D index, ArrayView<float> logits, ArrayView<int> labels, ArrayView<float> weights, Sizes sizes, ArrayView<float> losses,
        ArrayView<float> gradient)
    {
        var label = labels[index];
        var weight = label == Ignored ? 0 : weights[index];
        var sum = 0f;
        for (var k = 0; k < sizes.Classes; k++)
        {
            var at = index * sizes.Classes + k;
            var isObject = label == k;
            // The logit of pt.
            var x = isObject ? logits[at] : -logits[at];
            var pt = Sigmoid.Of(x);
            var crossEntropy = XMath.Max(-x, 0) + XMath.Log(1 + XMath.Exp(-XMath.Abs(x)));
            var factor = (isObject ? sizes.Alpha : 1 - sizes.Alpha) * Power(1 - pt, sizes.Gamma);
            sum += factor * crossEntropy;
            var slope = weight * factor * (sizes.Gamma * pt * crossEntropy + 1 - pt);
            gradient[at] = isObject ? -slope : slope;
        }
        losses[index] = weight * sum;
    }

    private static float Power(float x, float exponent) => exponent == 2 ? x * x : XMath.Pow(x, exponent);

    internal readonly record struct Sizes(int Classes, float Alpha, float Gamma);
}
