using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.Algorithms;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The loss of masks (He et al., Mask R-CNN, section 3), and its gradient: sigmoid cross-entropy of each pixel, with the logit x of the
/// RoI's class k and the target t. The masks of other classes don't count.
/// <code>
/// loss[d, y, x]        = scale · (max(x, 0) − x · t + log(1 + exp(−|x|)))
/// gradient[d, y, x, k] = scale · (sigmoid(x) − t),  and 0 for all other classes
/// </code>
/// The four pixels (2y, 2x), (2y, 2x + 1), (2y + 1, 2x), (2y + 1, 2x + 1) of the logits are adjacent, as the mask head leaves them. For the
/// mean over all pixels, scale is 1 / (D · 2S · 2S).
/// </summary>
internal static class MaskLoss
{
    /// <summary>Computes the losses and the gradient.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="logits">[D, S, 4 · S, K], in quartets.</param>
    /// <param name="classIds">[D], 0 … K − 1; negative for RoIs to leave out, whose losses and gradient are 0.</param>
    /// <param name="targets">[D, 2 · S, 2 · S], 0…1.</param>
    /// <param name="scale">A factor for all losses.</param>
    /// <param name="losses">[D · 2 · S · 2 · S], in the order of the logits.</param>
    /// <param name="gradient">[D, S, 4 · S, K].</param>
    public static void Run(
        Device device, Tensor logits, ArrayView<int> classIds, ArrayView<float> targets, float scale, ArrayView<float> losses,
        Tensor gradient)
    {
        var shape = logits.Shape;
        if (shape.W != 4 * shape.H || gradient.Shape != shape)
            throw new ArgumentException($"Logits of {shape} with a gradient of {gradient.Shape} are no masks.", nameof(logits));
        if (classIds.Length != shape.N || targets.Length != shape.Pixels || losses.Length != shape.Pixels)
            throw new ArgumentException($"{targets.Length} targets don't fit logits of {shape}.", nameof(targets));
        var grain = Grain.For(device, shape.Pixels, shape.C);
        var sizes = new Sizes(shape.H, shape.C, shape.Pixels, scale);
        device.Launch(
            Kernel, grain.Threads(shape.Pixels, shape.C), logits.View, classIds, targets, sizes, grain, losses, gradient.View);
    }

    /// <summary>One thread = some pixels × some classes (see <see cref="Grain"/>): their gradients, and the losses of those with a target.</summary>
    internal static void Kernel(
        Index1D index, ArrayView<float> logits, ArrayView<int> classIds, ArrayView<float> targets, Sizes sizes, Grain grain,
        ArrayView<float> losses, ArrayView<float> gradient)
    {
        var parts = (sizes.Classes + grain.Channels - 1) / grain.Channels;
        var firstK = index % parts * grain.Channels;
        var count = IntrinsicMath.Min(grain.Channels, sizes.Classes - firstK);
        var first = index / parts * grain.Pixels;
        var end = IntrinsicMath.Min(first + grain.Pixels, sizes.Pixels);
        for (var pixel = first; pixel < end; pixel++)
        {
            var k = classIds[pixel / (4 * sizes.Side * sizes.Side)];
            Fill.Write(0, pixel * sizes.Classes + firstK, count, gradient);
            if (k < 0 && firstK == 0)
                losses[pixel] = 0;
            if (k < firstK || k >= firstK + count)
                continue;
            var x = logits[pixel * sizes.Classes + k];
            var target = targets[sizes.TargetAt(pixel)];
            losses[pixel] = sizes.Scale * (XMath.Max(x, 0) - x * target + XMath.Log(1 + XMath.Exp(-XMath.Abs(x))));
            gradient[pixel * sizes.Classes + k] = sizes.Scale * (Sigmoid.Of(x) - target);
        }
    }

    internal readonly record struct Sizes(int Side, int Classes, int Pixels, float Scale)
    {
        /// <summary>Returns the index of a pixel's target, whose rows are those of the mask.</summary>
        public int TargetAt(int pixel)
        {
            var (quartet, corner) = (pixel / 4, pixel % 4);
            var row = quartet / Side * 2 + corner / 2;
            return row * 2 * Side + quartet % Side * 2 + corner % 2;
        }
    }
}
