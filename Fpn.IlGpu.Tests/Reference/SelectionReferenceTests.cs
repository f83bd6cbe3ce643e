namespace Fpn.IlGpu.Tests.Reference;

/// <summary>
/// The references for choosing boxes, compared with torchvision, and for antialiased resizing, compared with Pillow
/// (fixtures/make_selection.py).
/// </summary>
public class SelectionReferenceTests
{
    [Test]
    public void Proposals_agree_with_torchvision() => Each("proposals", 4, f
    =>
    {
        var counts = f.Get<int[]>("counts");
        (var height, var width) = f.Pair("size");
        Check(f, ProposalsReference.Run(
            Levels(f.Values("objectness"), counts, 1), Levels(f.Values("deltas"), counts, 4), Levels(f.Values("anchors"), counts, 4),
            height, width, f.Get<int>("before"), f.Get<int>("after"), f.Get<float>("iou"), f.Get<float>("least")));
    });

    [Test]
    public void Detections_from_rois_agree_with_torchvision() => Each("rois", 4, f
    =>
    {
        (var height, var width) = f.Pair("size");
        var classes = f.Get<int>("classes");
        float[] logits = f.Values("logits"), deltas = f.Values("deltas");
        Check(f, Run(logits, deltas, background: 0));

        // Detectron2's order of classes: the background comes last and has no boxes.
        float[] turned = [.. logits.Chunk(classes).SelectMany(row => row[1..].Append(row[0]))];
        var found = Run(turned, [.. deltas.Chunk(4 * classes).SelectMany(row => row[4..])], background: classes - 1);
        Check(f, found with { Classes = [.. found.Classes.Select(c => c + 1)] });

        ChosenBoxes Run(float[] logits, float[] deltas, int background) => RoiDetectionsReference.Run(
            logits, deltas, f.Values("rois"), classes, background, f.Get<float[]>("weights"), height, width,
            f.Get<float>("above"), f.Get<float>("iou"), f.Get<int>("most"));
    });

    [Test]
    public void Detections_from_anchors_agree_with_torchvision() => Each("anchors", 3, f
    =>
    {
        (var height, var width) = f.Pair("size");
        var counts = f.Get<int[]>("counts");
        var classes = f.Get<int>("classes");
        Check(f, AnchorDetectionsReference.Run(
            Levels(f.Values("logits"), counts, classes), Levels(f.Values("deltas"), counts, 4), Levels(f.Values("anchors"), counts, 4),
            classes, [1, 1, 1, 1], height, width, f.Get<float>("above"), f.Get<float>("iou"), f.Get<int>("candidates"),
            f.Get<int>("most")));
    });

    [Test]
    public void Masks_of_classes_agree_with_torchvision() => Each("masks", 1, f => f.Check(
        "output", ClassMaskReference.Run(f.Values("logits"), f.Shape("logits"), f.Indices("labels"))));

    [Test]
    public void Antialiased_resizing_agrees_with_Pillow() => Each("resize", 7, f
    =>
    {
        var output = f.Shape("output");
        f.Check("output", AntialiasedResizeReference.Run(f.Values("input"), f.Shape("input"), output.H, output.W), 0, 0);
    });

    private static void Check(Fixture f, ChosenBoxes chosen)
    {
        f.Check("scores", chosen.Scores);
        f.Check("boxes", chosen.Boxes, atol: 1e-4);
        if (f.Has("labels"))
            f.Check("labels", chosen.Classes);
    }

    private static float[][] Levels(float[] values, int[] counts, int each)
    {
        var first = 0;
        return [.. counts.Select(count => values[first..(first += count * each)])];
    }

    private static void Each(string operatorName, int cases, Action<Fixture> check)
    {
        List<Fixture> all = [.. Fixture.Of(operatorName, "selection.safetensors")];
        Assert.That(all, Has.Count.EqualTo(cases));
        Assert.Multiple(() => all.ForEach(check));
    }
}
