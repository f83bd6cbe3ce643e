using Fpn.IlGpu.Kernels;

namespace Fpn.IlGpu.Training;

/// <summary>
/// The losses of Faster R-CNN (Ren et al., equation 1; Fast R-CNN, equation 1), summed up as torchvision does:
/// <code>
/// RPN    mean over the sampled anchors of cross-entropy(objectness)  +  Σ positives smooth L1(deltas) / sampled anchors
/// boxes  mean over the sampled RoIs of cross-entropy(classes)        +  Σ positives smooth L1(deltas of their class) / sampled RoIs
/// </code>
/// </summary>
/// <param name="RpnBeta">β of the RPN's smooth L1: 1/9 in torchvision and the paper, 0 (plain L1) in Detectron2.</param>
/// <param name="BoxBeta">β of the box head's: 1/9 in torchvision, 1 in the paper, 0 in Detectron2.</param>
internal sealed record DetectorLosses(float RpnBeta = 1f / 9, float BoxBeta = 1f / 9)
{
    /// <summary>Adds the RPN's losses.</summary>
    /// <param name="tape">On which.</param>
    /// <param name="rpn">What the RPN says.</param>
    /// <param name="targets">Of each picture.</param>
    public void OfRpn(Tape tape, RpnVariables rpn, IReadOnlyList<AnchorTargets> targets)
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
                // Deltas lie as scores do, four for one.
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
        tape.SigmoidCrossEntropy("rpn objectness", rpn.Objectness, [.. at], [.. labels], scale);
        tape.SmoothL1("rpn boxes", rpn.Deltas, [.. positivesAt], [.. deltas], RpnBeta, scale);
    }

    /// <summary>Adds the box head's losses.</summary>
    /// <param name="tape">On which.</param>
    /// <param name="boxes">What the head says.</param>
    /// <param name="classes">[R]: class ids as the head has them.</param>
    /// <param name="background">The background's.</param>
    /// <param name="deltas">[RoIs of another class than the background, 4], in their order.</param>
    public void OfBoxes(Tape tape, BoxVariables boxes, ReadOnlySpan<int> classes, int background, ReadOnlySpan<float> deltas)
    {
        List<int> positivesAt = [];
        for (var r = 0; r < classes.Length; r++)
        {
            if (classes[r] != background)
                positivesAt.Add(r * boxes.Deltas.Shape.C + 4 * classes[r]);
        }
        var scale = 1f / Math.Max(1, classes.Length);
        tape.SoftmaxCrossEntropy("box classes", boxes.Logits, classes, scale);
        tape.SmoothL1("box deltas", boxes.Deltas, [.. positivesAt], deltas, BoxBeta, scale);
    }

    /// <summary>Where an anchor's score lies in the array of all levels' maps.</summary>
    /// <param name="objectness">[N, Hl, Wl, A].</param>
    /// <param name="n">Its picture.</param>
    /// <param name="anchor">Its number among all of a picture, in the order of <see cref="Anchors"/>: level, y, x, a.</param>
    private static int Place(VariableMaps objectness, int n, int anchor)
    {
        for (var l = 0; ; l++)
        {
            var shape = objectness.Levels[l].Shape;
            var count = shape.H * shape.W * shape.C;
            if (anchor < count)
                return objectness.Values.Offset(l) + n * count + anchor;
            anchor -= count;
        }
    }
}
