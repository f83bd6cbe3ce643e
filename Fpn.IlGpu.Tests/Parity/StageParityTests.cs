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
        var bottomUp = detector.Backbone.Run(batch.Input);
        for (var l = 0; l < bottomUp.Count; l++)
        {
            report.Compare($"C{Level(bottomUp[l], batch)}", bottomUp[l], everyChannel: false);
            report.Compare($"map{l}", bottomUp[l], everyChannel: false);
        }
        using var pyramid = detector.Pyramid.Run(bottomUp);
        for (var l = 0; l < pyramid.Count; l++)
        {
            report.Compare($"P{Level(pyramid[l], batch)}", pyramid[l], everyChannel: false);
            report.Compare($"pyramid{l}", pyramid[l], everyChannel: false);
        }
        report.Compare("anchors", AllAnchors(detector, pyramid.Shapes, batch.Input.Shape));

        switch (detector)
        {
            case FasterRcnn rcnn:
                CompareProposals(rcnn.Rpn, pyramid, batch, report);
                CompareObjects(rcnn, stages, pyramid, batch, report);
                break;
            case ProposalNetwork network:
                CompareProposals(network.Rpn, pyramid, batch, report, proposals => network.ToObjects(proposals, batch)[0]);
                break;
            case RetinaNet retina:
                CompareObjects(retina, pyramid, batch, report);
                break;
        }
        TestContext.Out.WriteLine(report.Text);
        Assert.That(report.Failures, Is.Empty);
        Assert.That(report.Compared, Is.SupersetOf(stages.Tensors.Keys), "a stage was not compared");
    }

    private static void CompareProposals(
        RegionProposalNetwork rpn, FeatureMaps pyramid, InputBatch batch, StageReport report,
        Func<RoiSet, IReadOnlyList<DetectedObject>>? toObjects = null)
    {
        using var output = rpn.Head.Run(pyramid);
        for (var l = 0; l < pyramid.Count; l++)
        {
            foreach (var level in new[] { $"P{Level(pyramid[l], batch)}", $"pyramid{l}" })
            {
                report.Compare($"rpn.objectness.{level}", output.Objectness[l], everyChannel: true);
                report.Compare($"rpn.deltas.{level}", output.Deltas[l], everyChannel: true);
            }
        }
        using var proposals = rpn.FindProposals(output, batch);
        var count = proposals.Total.Download()[0];
        report.CompareProposals(proposals.Boxes.Download()[..count]);
        report.CompareProbabilities("proposals.objectness", proposals.Scores.Download()[..count]);
        if (toObjects is not null)
            report.CompareDetections(toObjects(proposals));
    }

    private void CompareObjects(FasterRcnn rcnn, StateDictionary stages, FeatureMaps pyramid, InputBatch batch, StageReport report)
    {
        if (!stages.Contains("proposals"))
        {
            using var all = rcnn.FindBoxes(pyramid, batch, CancellationToken.None);
            report.CompareDetections(rcnn.ToObjects(all.Fetch(), batch)[0]);
            return;
        }
        using var given = Rois(StageReport.Boxes(stages["proposals"].ToArray()));
        using var features = rcnn.PoolFeatures(pyramid, given, batch, rcnn.BoxHead.Bins);
        report.Compare("roi.features", features, everyChannel: false);
        using var fc7 = rcnn.BoxHead.Features(features, given.Total.View);
        report.Compare("roi.fc7", fc7, everyChannel: true);
        using var predictions = rcnn.BoxHead.Predict(fc7, given.Total.View);
        report.Compare("roi.logits", predictions.Logits, everyChannel: true);
        report.Compare("roi.deltas", predictions.Deltas, everyChannel: true);
        using var onDevice = rcnn.SelectDetections(predictions, given, batch);
        var found = onDevice.Fetch();
        report.CompareDetections(rcnn.ToObjects(found, batch)[0]);

        if (rcnn is not MaskRcnn masks)
            return;
        report.Compare("mask.boxes", found[0].Select(b => b.BoxInputPx));
        using var classIds = Device.Rent<int>(found[0].Count);
        using var rois = onDevice.ToRois(found[0].Count, classIds.View);
        using var maskFeatures = masks.PoolFeatures(pyramid, rois, batch, MaskRcnn.Bins);
        report.Compare("mask.features", maskFeatures, everyChannel: false);
        using var convolved = masks.MaskHead.Features(maskFeatures);
        report.Compare("mask.head", convolved, everyChannel: false);
        using var probabilities = masks.MaskHead.Predict(convolved, classIds.View);
        report.Compare("mask.probabilities", probabilities, everyChannel: true);
    }

    private static void CompareObjects(RetinaNet retina, FeatureMaps pyramid, InputBatch batch, StageReport report)
    {
        using var output = retina.Head.Run(pyramid);
        for (var l = 0; l < pyramid.Count; l++)
        {
            report.Compare($"retina.logits.P{Level(pyramid[l], batch)}", output.Logits[l], everyChannel: true);
            report.Compare($"retina.deltas.P{Level(pyramid[l], batch)}", output.Deltas[l], everyChannel: true);
        }
        using var found = retina.SelectDetections(output, batch);
        report.CompareDetections(retina.ToObjects(found.Fetch(), batch)[0]);
    }

    /// <summary>The given proposals, as those of one picture.</summary>
    private RoiSet Rois(Box[] boxesInputPx)
    {
        var rois = new RoiSet(Device, 1, boxesInputPx.Length);
        rois.Boxes.Upload(boxesInputPx);
        rois.Pictures.Upload(new int[boxesInputPx.Length]);
        rois.PerPicture.Upload([boxesInputPx.Length]);
        rois.Total.Upload([boxesInputPx.Length]);
        return rois;
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
