using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Tests.Parity;

/// <summary>
/// Every stage of torchvision's and Detectron2's forward passes against ours, within 1e-4 of the stage's largest
/// magnitude. Each of our stages reads the output of the stage before it, as in detection, with one exception: RoI features
/// and later stages are computed from the reference's proposals, because otherwise every rank would have to agree.
/// </summary>
public sealed class StageParityTests(string deviceId) : ModelTests(deviceId)
{
    [TestCaseSource(typeof(ReferenceCase), nameof(ReferenceCase.Names))]
    public void Every_stage_agrees_with_the_reference(string name)
    {
        var reference = new ReferenceCase(name);
        using var stages = reference.Stages();
        using var detector = reference.Load(Device);
        using var scope = Device.Memory.BeginPicture();
        using var batch = detector.Transform.Run([PictureReader.Read(reference.Picture(stages.Metadata["image"]))]);
        var report = new StageReport(stages);

        report.Compare("input", batch.Input, everyChannel: true);
        using var tape = Tape.ForInference(Device);
        var bottomUp = detector.Backbone.Run(tape, tape.Input(batch.Input));
        for (var l = bottomUp.Finest; l <= bottomUp.Coarsest; l++)
        {
            var map = bottomUp[l].Value;
            report.Compare($"C{Level(map, batch)}", map, everyChannel: false);
            report.Compare($"map{l - bottomUp.Finest}", map, everyChannel: false);
        }
        using var pyramid = detector.Pyramid.Run(tape, bottomUp);
        for (var l = pyramid.Finest; l <= pyramid.Coarsest; l++)
        {
            var map = pyramid[l].Value;
            report.Compare($"P{Level(map, batch)}", map, everyChannel: false);
            report.Compare($"pyramid{l - pyramid.Finest}", map, everyChannel: false);
        }
        report.Compare("anchors", AllAnchors(detector, pyramid.Shapes, batch.Input.Shape));

        switch (detector)
        {
            case FasterRcnn rcnn:
                CompareProposals(tape, rcnn.Rpn, pyramid, batch, report);
                CompareObjects(tape, rcnn, stages, pyramid, batch, report);
                break;
            case ProposalNetwork network:
                CompareProposals(tape, network.Rpn, pyramid, batch, report, proposals => network.ToObjects(proposals, batch)[0]);
                break;
            case RetinaNet retina:
                CompareObjects(tape, retina, pyramid, batch, report);
                break;
        }
        TestContext.Out.WriteLine(report.Text);
        Assert.That(report.Failures, Is.Empty);
        Assert.That(report.Compared, Is.SupersetOf(stages.Tensors.Keys), "a stage was not compared");
    }

    private static void CompareProposals(
        Tape tape, RegionProposalNetwork rpn, FeatureMaps pyramid, InputBatch batch, StageReport report,
        Func<RoiSet, IReadOnlyList<DetectedObject>>? toObjects = null)
    {
        using var output = rpn.Head.Run(tape, pyramid);
        for (var l = pyramid.Finest; l <= pyramid.Coarsest; l++)
        {
            foreach (var level in new[] { $"P{Level(pyramid[l].Value, batch)}", $"pyramid{l - pyramid.Finest}" })
            {
                report.Compare($"rpn.objectness.{level}", output.Objectness[l].Value, everyChannel: true);
                report.Compare($"rpn.deltas.{level}", output.Deltas[l].Value, everyChannel: true);
            }
        }
        using var proposals = rpn.FindProposals(output, batch);
        var count = proposals.Total.Download()[0];
        report.CompareProposals(proposals.Boxes.Download()[..count]);
        report.CompareProbabilities("proposals.objectness", proposals.Scores.Download()[..count]);
        if (toObjects is not null)
            report.CompareDetections(toObjects(proposals));
    }

    private void CompareObjects(Tape tape, FasterRcnn rcnn, StateDictionary stages, FeatureMaps pyramid, InputBatch batch, StageReport report)
    {
        if (!stages.Contains("proposals"))
        {
            using var all = rcnn.FindBoxes(tape, pyramid, batch, CancellationToken.None);
            report.CompareDetections(rcnn.ToObjects(all.Fetch(), batch)[0]);
            return;
        }
        var proposals = StageReport.Boxes(stages["proposals"].ToArray());
        using var given = RoiSet.Of(Device, proposals, new int[proposals.Length]);
        using var features = rcnn.PoolFeatures(tape, pyramid, given, batch, rcnn.BoxHead.Bins);
        report.Compare("roi.features", features.Value, everyChannel: false);
        using var fc7 = rcnn.BoxHead.Features(tape, features, given.Total.View);
        report.Compare("roi.fc7", fc7.Value, everyChannel: true);
        using var predictions = rcnn.BoxHead.Predict(tape, fc7, given.Total.View);
        report.Compare("roi.logits", predictions.Logits.Value, everyChannel: true);
        report.Compare("roi.deltas", predictions.Deltas.Value, everyChannel: true);
        using var onDevice = rcnn.SelectDetections(predictions, given, batch);
        var found = onDevice.Fetch();
        report.CompareDetections(rcnn.ToObjects(found, batch)[0]);

        if (rcnn is not MaskRcnn masks)
            return;
        report.Compare("mask.boxes", found[0].Select(b => b.BoxInputPx));
        using var classIds = Device.Rent<int>(found[0].Count);
        using var rois = onDevice.ToRois(found[0].Count, classIds.View);
        using var maskFeatures = masks.PoolFeatures(tape, pyramid, rois, batch, MaskRcnn.Bins);
        report.Compare("mask.features", maskFeatures.Value, everyChannel: false);
        using var convolved = masks.MaskHead.Features(tape, maskFeatures);
        report.Compare("mask.head", convolved.Value, everyChannel: false);
        using var probabilities = masks.MaskHead.Predict(tape, convolved, classIds.View);
        report.Compare("mask.probabilities", probabilities, everyChannel: true);
    }

    private static void CompareObjects(Tape tape, RetinaNet retina, FeatureMaps pyramid, InputBatch batch, StageReport report)
    {
        using var output = retina.Head.Run(tape, pyramid);
        for (var l = pyramid.Finest; l <= pyramid.Coarsest; l++)
        {
            var level = Level(pyramid[l].Value, batch);
            report.Compare($"retina.logits.P{level}", output.Logits[l].Value, everyChannel: true);
            report.Compare($"retina.deltas.P{level}", output.Deltas[l].Value, everyChannel: true);
        }
        using var found = retina.SelectDetections(output, batch);
        report.CompareDetections(retina.ToObjects(found.Fetch(), batch)[0]);
    }

    /// <summary>The number of a level: its stride is that power of two.</summary>
    private static int Level(Tensor map, InputBatch batch)
        => (int)Math.Round(Math.Log2((double)batch.Input.Shape.W / map.Shape.W));

    private List<Box> AllAnchors(Detector detector, IReadOnlyList<Shape> maps, Shape input)
    {
        var all = new List<Box>();
        foreach (var (level, grid) in detector.Anchors.Grids(maps, input.H, input.W).Index())
        {
            using var anchors = Device.Rent<Box>(grid.H * grid.W * detector.Anchors.PerLocation);
            detector.Anchors.Generate(Device, grid, level, anchors.View);
            all.AddRange(anchors.Download());
        }
        return all;
    }
}
