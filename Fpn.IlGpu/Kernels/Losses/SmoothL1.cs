using Fpn.IlGpu.Runtime;
using ILGPU;
using ILGPU.Algorithms;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// Smooth L1, the loss of box deltas (Fast R-CNN, equations 2 and 3), and its gradient, with d = in[at[s] + j] − target[s, j]:
/// <code>
/// loss[s]             = scale · Σ j  |d| &lt; β ? ½ · d² / β : |d| − ½ · β
/// gradient[at[s] + j] = scale ·      |d| &lt; β ? d / β      : sign(d)
/// </code>
/// β is 1 in the paper and 1/9 in torchvision. With β = 0 it is plain L1, as in Detectron2. Only samples count: at[s] is the index of the
/// first of sample s's four deltas, and no two samples share any.
/// </summary>
internal static class SmoothL1
{
    private const int Deltas = 4;

    /// <summary>Computes the losses and the gradient.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="predictions">All deltas, [length].</param>
    /// <param name="at">[S]: the index of the first of each sample's four deltas; no two are the same.</param>
    /// <param name="targets">[S, 4].</param>
    /// <param name="beta">β.</param>
    /// <param name="scale">A factor for all losses.</param>
    /// <param name="losses">[S].</param>
    /// <param name="gradient">[length]; only the values of samples are written.</param>
    public static void Run(
        Device device, ArrayView<float> predictions, ArrayView<int> at, ArrayView<float> targets, float beta, float scale,
        ArrayView<float> losses, ArrayView<float> gradient)
    {
        using var scales = device.Rent<float>(at.Length);
        Fill.Run(device, scale, scales.View);
        Run(device, predictions, at, targets, beta, scales.View, losses, gradient);
    }

    /// <summary>Computes the losses and the gradient, with a factor for each sample.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="predictions">All deltas, [length].</param>
    /// <param name="at">[S]: the index of the first of each sample's four deltas; no two are the same.</param>
    /// <param name="targets">[S, 4].</param>
    /// <param name="beta">β.</param>
    /// <param name="scales">[S]: a factor for each sample's loss.</param>
    /// <param name="losses">[S].</param>
    /// <param name="gradient">[length]; only the values of samples are written.</param>
    public static void Run(
        Device device, ArrayView<float> predictions, ArrayView<int> at, ArrayView<float> targets, float beta, ArrayView<float> scales,
        ArrayView<float> losses, ArrayView<float> gradient)
    {
        if (targets.Length != Deltas * at.Length || losses.Length != at.Length || gradient.Length != predictions.Length
            || scales.Length != at.Length)
        {
            throw new ArgumentException($"{targets.Length} targets don't fit {at.Length} samples.", nameof(targets));
        }
        device.Launch(Kernel, (int)at.Length, predictions, at, targets, beta, scales, losses, gradient);
    }

    /// <summary>One thread = one sample s: its loss and its four gradients.</summary>
    internal static void Kernel(
        Index1D index, ArrayView<float> predictions, ArrayView<int> at, ArrayView<float> targets, float beta, ArrayView<float> scales,
        ArrayView<float> losses, ArrayView<float> gradient)
    {
        var scale = scales[index];
        var sum = 0f;
        for (var j = 0; j < Deltas; j++)
        {
            var difference = predictions[at[index] + j] - targets[index * Deltas + j];
            var distance = XMath.Abs(difference);
            if (distance < beta)
            {
                sum += 0.5f * distance * distance / beta;
                gradient[at[index] + j] = scale * difference / beta;
                continue;
            }
            sum += distance - 0.5f * beta;
            gradient[at[index] + j] = difference > 0 ? scale : difference < 0 ? -scale : 0;
        }
        losses[index] = scale * sum;
    }
}
