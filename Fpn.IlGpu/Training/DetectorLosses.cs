using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;

namespace Fpn.IlGpu.Training;

/// <summary>
/// The losses of Faster R-CNN (Ren et al., equation 1; Fast R-CNN, equation 1), normalised as in torchvision:
/// <code>
/// RPN    mean over the sampled anchors of cross-entropy(objectness)  +  Σ positives smooth L1(deltas) / sampled anchors
/// boxes  mean over the sampled RoIs of cross-entropy(classes)        +  Σ positives smooth L1(deltas of their class) / sampled RoIs
/// </code>
/// </summary>
/// <param name="RpnBeta">The β of the RPN's smooth L1: 1/9 in torchvision and the paper, 0 (plain L1) in Detectron2.</param>
/// <param name="BoxBeta">The β of the box head's smooth L1: 1/9 in torchvision, 1 in the paper, 0 in Detectron2.</param>
internal sealed record DetectorLosses(float RpnBeta = 1f / 9, float BoxBeta = 1f / 9)
{
    /// <summary>Adds the RPN's losses.</summary>
    /// <param name="losses">The losses of the step.</param>
    /// <param name="rpn">The RPN's predictions.</param>
    /// <param name="targets">The targets of each picture.</param>
    public void OfRpn(LossSet losses, RpnOutput rpn, IReadOnlyList<AnchorTargets> targets)
    {
        List<int> at = [];
        List<float> labels = [];
        List<int> positivesAt = [];
        List<float> deltas = [];
        foreach (var (n, picture) in targets.Index())
        {
            foreach (var anchor in picture.Positives)
            {
                at.Add(Place(rpn.Objectness, n, anchor));
                labels.Add(1);
                // Deltas are stored in the same order as scores, four for each.
                positivesAt.Add(4 * at[^1]);
            }
            foreach (var anchor in picture.Negatives)
            {
                at.Add(Place(rpn.Objectness, n, anchor));
                labels.Add(0);
            }
            deltas.AddRange(picture.Deltas);
        }
        var scale = 1f / Math.Max(1, at.Count);
        losses.SigmoidCrossEntropy("rpn objectness", rpn.Objectness, [.. at], [.. labels], scale);
        losses.SmoothL1("rpn boxes", rpn.Deltas, [.. positivesAt], [.. deltas], RpnBeta, scale);
    }

    /// <summary>Adds the box head's losses.</summary>
    /// <param name="losses">The losses of the step.</param>
    /// <param name="boxes">The head's predictions.</param>
    /// <param name="classes">The head's class id of each RoI, [R].</param>
    /// <param name="background">The class id of the background.</param>
    /// <param name="deltas">The target deltas of the RoIs that are not background, in order, [positives, 4].</param>
    public void OfBoxes(LossSet losses, BoxPredictions boxes, ReadOnlySpan<int> classes, int background, ReadOnlySpan<float> deltas)
    {
        List<int> positivesAt = [];
        for (var r = 0; r < classes.Length; r++)
        {
            if (classes[r] != background)
                positivesAt.Add(r * boxes.Deltas.Shape.C + 4 * classes[r]);
        }
        var scale = 1f / Math.Max(1, classes.Length);
        losses.SoftmaxCrossEntropy("box classes", boxes.Logits, classes, scale);
        losses.SmoothL1("box deltas", boxes.Deltas, [.. positivesAt], deltas, BoxBeta, scale);
    }

    /// <summary>The index of an anchor's score in the array of all levels' maps.</summary>
    /// <param name="objectness">The objectness of each level, [N, Hl, Wl, A].</param>
    /// <param name="n">The index of its picture.</param>
    /// <param name="anchor">Its index among all anchors of a picture, in the order of <see cref="Anchors"/>: level, y, x, a.</param>
    private static int Place(FeatureMaps objectness, int n, int anchor)
    {
        for (var l = objectness.Finest; ; l++)
        {
            var shape = objectness[l].Shape;
            var count = shape.H * shape.W * shape.C;
            if (anchor < count)
                return objectness.Offset(l) + n * count + anchor;
            anchor -= count;
        }
    }
}
