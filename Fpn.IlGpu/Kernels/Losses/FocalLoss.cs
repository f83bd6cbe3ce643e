using System.Numerics;
using System.Runtime.CompilerServices;
using Fpn.IlGpu.Runtime;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The focal loss of class logits x (Lin et al., Focal Loss for Dense Object Detection, equation 5), which trains RetinaNet, and its
/// gradient. Each class of each anchor is a question of its own, with the answer yes for the anchor's class:
/// <code>
/// z = yes ? x : −x      p = sigmoid(z)      α' = yes ? α : 1 − α
/// loss     = weight · α' · (1 − p)^γ · (−log p)
/// gradient = weight · α' · (1 − p)^γ · (γ · p · log p − (1 − p)) · (yes ? 1 : −1)
/// </code>
/// An anchor's label is its class, −1 for the background, or −2 for anchors to ignore, whose loss and gradient are 0. torchvision divides
/// the loss of each picture by the number of its anchors with a class, at least 1, and takes the mean over the N pictures: an anchor's
/// weight is then 1 / (N · max(1, anchors with a class in its picture)). With −log p = max(−z, 0) + log(1 + exp(−|z|)) and
/// log(1 − p) = log p − z, no exp overflows.
/// </summary>
internal static class FocalLoss
{
    private const int MostParts = 1 << 16;

    /// <summary>Returns the number of sums that the loss is returned in.</summary>
    public static int Parts(int anchors) => Math.Min(anchors, MostParts);

    /// <summary>Computes the loss and the gradient.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="logits">[anchors, K].</param>
    /// <param name="labels">[anchors]: 0 … K − 1, −1 for the background, −2 for anchors to ignore.</param>
    /// <param name="weights">[anchors]: a factor for each anchor's loss.</param>
    /// <param name="alpha">α: 0.25.</param>
    /// <param name="gamma">γ: 2.</param>
    /// <param name="losses">[<see cref="Parts"/>]: sums of losses, each over a part of the logits.</param>
    /// <param name="gradient">[anchors, K].</param>
    public static void Run(
        Device device, ArrayView<float> logits, ArrayView<int> labels, ArrayView<float> weights, float alpha, float gamma,
        ArrayView<float> losses, ArrayView<float> gradient)
    {
        var anchors = (int)labels.Length;
        if (anchors == 0 || logits.Length % anchors != 0 || weights.Length != anchors || losses.Length != Parts(anchors)
            || gradient.Length != logits.Length)
        {
            throw new ArgumentException($"{anchors} labels don't fit {logits.Length} logits.", nameof(labels));
        }
        var sizes = new Sizes(anchors, (int)(logits.Length / anchors), Parts(anchors), alpha, gamma);
        device.Launch(Kernel, sizes.Parts, logits, labels, weights, sizes, losses, gradient);
    }

    /// <summary>One thread = one part of the logits: their gradients, and the sum of their losses.</summary>
    internal static void Kernel(
        Index1D index, ArrayView<float> logits, ArrayView<int> labels, ArrayView<float> weights, Sizes sizes, ArrayView<float> losses,
        ArrayView<float> gradient)
        => losses[index] = Differentiate(logits, labels, weights, sizes, index, gradient);

    /// <summary>The CPU body: a part is some consecutive anchors. Several classes at a time, by SIMD.</summary>
    [IntrinsicImplementation]
    public static float Differentiate(
        ArrayView<float> logits, ArrayView<int> labels, ArrayView<float> weights, Sizes sizes, int part, ArrayView<float> gradient)
    {
        var (sums, sum) = (Vector<float>.Zero, 0f);
        for (var anchor = sizes.FirstAnchor(part); anchor < sizes.FirstAnchor(part + 1); anchor++)
        {
            var (label, first) = (labels[anchor], anchor * sizes.Classes);
            if (label < -1)
            {
                ChannelRun.Span(gradient, first, sizes.Classes).Clear();
                continue;
            }
            var k = 0;
            for (; k + Vector<float>.Count <= sizes.Classes; k += Vector<float>.Count)
            {
                var isYes = Vector.Equals(Vector<int>.Indices + new Vector<int>(k), new Vector<int>(label));
                var (losses, gradients) = Lanes(ChannelRun.Load(logits, first + k), isYes, sizes);
                sums += losses * weights[anchor];
                ChannelRun.Store(gradients * weights[anchor], gradient, first + k);
            }
            for (; k < sizes.Classes; k++)
                sum += Value(logits, first + k, k == label, weights[anchor], sizes, gradient);
        }
        return sum + Vector.Sum(sums);
    }

    /// <summary>The GPU body: a part is every parts-th logit, so that neighbouring threads read neighbouring addresses.</summary>
    [DeviceBody(nameof(Differentiate))]
    public static float DifferentiateOnDevice(
        ArrayView<float> logits, ArrayView<int> labels, ArrayView<float> weights, Sizes sizes, int part, ArrayView<float> gradient)
    {
        var sum = 0f;
        for (long i = part; i < (long)sizes.Anchors * sizes.Classes; i += sizes.Parts)
        {
            var anchor = (int)i / sizes.Classes;
            var label = labels[anchor];
            if (label < -1)
                gradient[i] = 0;
            else
                sum += Value(logits, (int)i, (int)i - anchor * sizes.Classes == label, weights[anchor], sizes, gradient);
        }
        return sum;
    }

    private static float Value(ArrayView<float> logits, int at, bool isYes, float weight, Sizes sizes, ArrayView<float> gradient)
    {
        var sign = isYes ? 1f : -1f;
        var z = sign * logits[at];
        var e = XMath.Exp(-XMath.Abs(z));
        var loss = XMath.Max(-z, 0) + XMath.Log(1 + e);
        var p = (z < 0 ? e : 1f) / (1 + e);
        var q = (z < 0 ? 1f : e) / (1 + e);
        var factor = weight * (isYes ? sizes.Alpha : 1 - sizes.Alpha) * XMath.Exp(-sizes.Gamma * (loss + z));
        gradient[at] = -sign * factor * (sizes.Gamma * p * loss + q);
        return factor * loss;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector<float> Losses, Vector<float> Gradients) Lanes(Vector<float> x, Vector<int> isYes, Sizes sizes)
    {
        var one = Vector<float>.One;
        var sign = Vector.ConditionalSelect(isYes, one, -one);
        var z = sign * x;
        var e = Vector.Exp(-Vector.Abs(z));
        var loss = Vector.Max(-z, Vector<float>.Zero) + Vector.Log(one + e);
        var isNegative = Vector.LessThan(z, Vector<float>.Zero);
        var p = Vector.ConditionalSelect(isNegative, e, one) / (one + e);
        var q = Vector.ConditionalSelect(isNegative, one, e) / (one + e);
        var factor = Vector.ConditionalSelect(isYes, new Vector<float>(sizes.Alpha), new Vector<float>(1 - sizes.Alpha))
            * Vector.Exp(-sizes.Gamma * (loss + z));
        return (factor * loss, -sign * factor * (sizes.Gamma * p * loss + q));
    }

    internal readonly record struct Sizes(int Anchors, int Classes, int Parts, float Alpha, float Gamma)
    {
        /// <summary>Returns the first anchor of a part on a CPU.</summary>
        public int FirstAnchor(int part) => (int)((long)Anchors * part / Parts);
    }
}
