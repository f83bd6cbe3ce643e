using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.Algorithms;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// Softmax cross-entropy, which is the loss of the box head's classes (Fast R-CNN, section 2.3), and its gradient:
/// <code>
/// loss[m]        = −scale · weight[m] · log softmax(in[m])[label]
///                =  scale · weight[m] · (max + log Σ k exp(in[m, k] − max) − in[m, label])
/// gradient[m, k] =  scale · weight[m] · (softmax(in[m])[k] − (k = label))
/// </code>
/// Rows with a negative label are left out: their loss and gradient are 0. For the mean over count rows, scale is 1 / count.
/// </summary>
internal static class SoftmaxCrossEntropy
{
    /// <summary>Computes the losses and the gradient.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="logits">[M, 1, 1, K].</param>
    /// <param name="labels">[M], 0 … K − 1; negative for rows to leave out.</param>
    /// <param name="weights">[M]: a factor for each row's loss.</param>
    /// <param name="scale">A factor for all losses.</param>
    /// <param name="losses">[M].</param>
    /// <param name="gradient">[M, 1, 1, K].</param>
    public static void Run(
        Device device, Tensor logits, ArrayView<int> labels, ArrayView<float> weights, float scale, ArrayView<float> losses,
        Tensor gradient)
    {
        var rows = logits.Shape.Pixels;
        if (labels.Length != rows || weights.Length != rows || losses.Length != rows || gradient.Shape != logits.Shape)
            throw new ArgumentException($"{labels.Length} labels don't fit logits of {logits.Shape}.", nameof(labels));
        device.Launch(Kernel, rows, logits.View, labels, weights, logits.Shape.C, scale, losses, gradient.View);
    }

    /// <summary>One thread = one row m: its loss and its K gradients.</summary>
    internal static void Kernel(
        Index1D index, ArrayView<float> logits, ArrayView<int> labels, ArrayView<float> weights, int classes, float scale,
        ArrayView<float> losses, ArrayView<float> gradient)
    {
        var label = labels[index];
        var factor = label < 0 ? 0 : scale * weights[index];
        var first = index * classes;
        var max = logits[first];
        for (var k = 1; k < classes; k++)
            max = XMath.Max(max, logits[first + k]);
        var sum = 0f;
        for (var k = 0; k < classes; k++)
            sum += XMath.Exp(logits[first + k] - max);
        losses[index] = factor * (max - logits[first + IntrinsicMath.Max(label, 0)] + XMath.Log(sum));
        for (var k = 0; k < classes; k++)
            gradient[first + k] = factor * (XMath.Exp(logits[first + k] - max) / sum - (k == label ? 1f : 0f));
    }
}
