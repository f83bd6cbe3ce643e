using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;

namespace Fpn.IlGpu.Training;

/// <summary>
/// The losses of Faster R-CNN (Ren et al., equation 1; Fast R-CNN, equation 1) and Mask R-CNN, normalised as in torchvision:
/// <code>
/// RPN    mean over the sampled anchors of cross-entropy(objectness)  +  Σ positives smooth L1(deltas) / sampled anchors
/// boxes  mean over the sampled RoIs of cross-entropy(classes)        +  Σ positives smooth L1(deltas of their class) / sampled RoIs
/// masks  mean over the pixels of the positive RoIs of cross-entropy(mask of their class)
/// </code>
/// and those of RetinaNet (Focal Loss, equation 5), of which each picture has as large a share:
/// <code>
/// Σ anchors focal loss(classes) / positives  +  Σ positives L1(deltas) / positives
/// </code>
/// and those of mask proposals (paper, appendix B):
/// <code>
/// mean over the sampled windows of cross-entropy(scores)  +  10 · mean over the pixels of the positives of cross-entropy(mask)
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

    /// <summary>Adds RetinaNet's losses.</summary>
    /// <param name="losses">The losses of the step.</param>
    /// <param name="output">The head's predictions.</param>
    /// <param name="targets">The targets of each picture.</param>
    /// <param name="training">The losses' settings.</param>
    public static void OfRetina(LossSet losses, RetinaOutput output, IReadOnlyList<RetinaTargets> targets, RetinaTraining training)
    {
        var (shapes, batch) = (output.Deltas.Shapes, targets.Count);
        var anchors = shapes.Sum(s => s.N * s.H * s.W * s.C / 4);
        var (labels, weights) = (new int[anchors], new float[anchors]);
        // Each picture counts as much as any other, however many objects it has.
        float[] ofPicture = [.. targets.Select(t => losses.Share / (batch * Math.Max(1, t.Positives.Length)))];
        var (first, from) = (0, 0);
        foreach (var shape in shapes)
        {
            var count = shape.H * shape.W * shape.C / 4;
            for (var n = 0; n < batch; n++)
            {
                targets[n].Labels.AsSpan(from, count).CopyTo(labels.AsSpan(first + n * count));
                weights.AsSpan(first + n * count, count).Fill(ofPicture[n]);
            }
            first += batch * count;
            from += count;
        }
        losses.Focal("classes", output.Logits, labels, weights, training.FocalAlpha, training.FocalGamma);
        int[] at = [.. targets.SelectMany((t, n) => t.Positives.Select(a => Place(output.Deltas, n, 4 * a)))];
        float[] scales = [.. targets.SelectMany((t, n) => Enumerable.Repeat(ofPicture[n], t.Positives.Length))];
        losses.SmoothL1("boxes", output.Deltas, at, targets.SelectMany(t => t.Deltas).ToArray(), training.SmoothL1Beta, scales);
    }

    /// <summary>Adds the losses of mask proposals.</summary>
    /// <param name="losses">The losses of the step.</param>
    /// <param name="tape">The tape that the head ran on.</param>
    /// <param name="head">The head, which computes the masks of the positives.</param>
    /// <param name="output">The head's output.</param>
    /// <param name="targets">The targets of each picture.</param>
    /// <param name="maskWeight">The weight of the mask loss: 10 in the paper.</param>
    public static void OfMaskProposals(
        LossSet losses, Tape tape, MaskProposalHead head, MaskProposalOutput output, IReadOnlyList<MaskProposalTargets> targets,
        float maskWeight)
    {
        var scores = output.Scores;
        int[] positives = [.. targets.SelectMany((t, n) => t.Positives.Select(i => Place(scores, n, i)))];
        int[] negatives = [.. targets.SelectMany((t, n) => t.Negatives.Select(i => Place(scores, n, i)))];
        float[] labels = [.. positives.Select(_ => 1f), .. negatives.Select(_ => 0f)];
        losses.SigmoidCrossEntropy("scores", scores, [.. positives, .. negatives], labels, 1f / Math.Max(1, labels.Length));

        var pixels = head.MaskSide * head.MaskSide;
        var masks = targets.SelectMany((t, n) => t.Masks.Positives.Select((p, m) => (
            Place: Place(scores, n, t.Positives[p]), Window: WindowOf(t.Positives[p]),
            Values: t.Masks.Values.AsMemory(m * pixels, pixels)))).ToLookup(mask => mask.Window);
        if (masks.Count == 0)
            losses.Zero("masks");
        foreach (var ofWindow in masks)
        {
            using var logits = head.Masks(tape, output, ofWindow.Key, ofWindow.Select(mask => mask.Place));
            losses.SigmoidCrossEntropy(
                "masks", logits, ofWindow.SelectMany(mask => mask.Values.ToArray()).ToArray(),
                maskWeight / (masks.Sum(own => own.Count()) * pixels));
        }

        int WindowOf(int index) => LevelOf(scores, ref index) % head.Windows;
    }

    /// <summary>The index of one of a picture's values in the array of all levels' maps.</summary>
    /// <param name="maps">The maps of all levels, [N, Hl, Wl, C].</param>
    /// <param name="n">The index of the picture.</param>
    /// <param name="index">
    /// The value's index among all values of the picture, in the order level, y, x, c: for objectness, that of its anchor in the order of
    /// <see cref="Anchors"/>.
    /// </param>
    private static int Place(FeatureMaps maps, int n, int index)
    {
        var l = LevelOf(maps, ref index);
        var shape = maps[l].Shape;
        return maps.Offset(l) + n * shape.H * shape.W * shape.C + index;
    }

    /// <summary>Returns the level of one of a picture's values, and replaces its index by that within the level.</summary>
    private static int LevelOf(FeatureMaps maps, ref int index)
    {
        for (var l = maps.Finest; ; l++)
        {
            var shape = maps[l].Shape;
            var count = shape.H * shape.W * shape.C;
            if (index < count)
                return l;
            index -= count;
        }
    }
}
