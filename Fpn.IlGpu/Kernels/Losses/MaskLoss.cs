using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.Algorithms;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The mask loss (He et al., Mask R-CNN, section 3) and its gradient: the sigmoid cross-entropy of every pixel of the mask of an object's
/// own class. The other classes' masks have no loss, so that classes don't compete.
/// <code>
/// loss[d, y, x] = scale · (max(x, 0) − x · t + log(1 + exp(−|x|)))        x = logits[d, y, x, class of d],  t = targets[d, y, x]
/// gradient      = scale · (sigmoid(x) − t)
/// </code>
/// For the mean, scale is 1 / (D · side · side). The logits are stored as the mask head computes them, [D, S, 4 · S, classes]: the four
/// pixels (2y, 2x), (2y, 2x + 1), (2y + 1, 2x), (2y + 1, 2x + 1) are adjacent.
/// </summary>
internal static class MaskLoss
{
    /// <summary>Computes the losses and the gradient.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="logits">The logits, [D, S, 4 · S, classes].</param>
    /// <param name="classIds">The class of each object, [D].</param>
    /// <param name="targets">The target masks, [D, 2 · S, 2 · S], 0…1.</param>
    /// <param name="scale">A factor for all losses.</param>
    /// <param name="losses">Receives the loss of each pixel, [D, 2 · S, 2 · S].</param>
    /// <param name="gradient">Receives the gradient of all logits, [D, S, 4 · S, classes].</param>
    public static void Run(
        Device device, Tensor logits, ArrayView<int> classIds, ArrayView<float> targets, float scale, ArrayView<float> losses,
        Tensor gradient)
    {
        var (count, side, classes) = (logits.Shape.N, logits.Shape.H, logits.Shape.C);
        if (classIds.Length != count || targets.Length != 4L * count * side * side || losses.Length != targets.Length
            || gradient.Shape != logits.Shape)
        {
            throw new ArgumentException($"{targets.Length} targets of {classIds.Length} objects don't fit logits of {logits.Shape}.", nameof(targets));
        }
        Fill.Run(device, 0, gradient.View);
        device.Launch(
            Kernel, (int)targets.Length, logits.View, classIds, targets, new Sizes(side, classes, scale), losses, gradient.View);
    }

    /// <summary>One thread = one pixel (d, y, x) of a target: its loss and its gradient.</summary>
    internal static void Kernel(
        Index1D index, ArrayView<float> logits, ArrayView<int> classIds, ArrayView<float> targets, Sizes sizes, ArrayView<float> losses,
        ArrayView<float> gradient)
    {
        var x = index % (2 * sizes.Side);
        var y = index / (2 * sizes.Side) % (2 * sizes.Side);
        var d = index / (4 * sizes.Side * sizes.Side);
        var quartet = (d * sizes.Side + y / 2) * sizes.Side + x / 2;
        var at = (quartet * 4 + y % 2 * 2 + x % 2) * sizes.Classes + classIds[d];
        var logit = logits[at];
        losses[index] = sizes.Scale
            * (XMath.Max(logit, 0) - logit * targets[index] + XMath.Log(1 + XMath.Exp(-XMath.Abs(logit))));
        gradient[at] = sizes.Scale * (Sigmoid.Of(logit) - targets[index]);
    }

    internal readonly record struct Sizes(int Side, int Classes, float Scale);
}
