using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tests.Parity;

namespace Fpn.IlGpu.Tests.Detection;

/// <summary><see cref="FasterRcnn.Trace"/>: the stages of a detection.</summary>
public sealed class DetectionTraceTests(string deviceId) : ModelTests(deviceId)
{
    private static RgbImage Sample => PictureReader.Read(new ReferenceCase("shapes").Picture("shapes-320x320.png"));

    [TestCase("shapes", 320, 320)]
    [TestCase("shapes", 211, 67)]
    [TestCase("zoo/fasterrcnn-v2", 132, 100)]
    [TestCase("detectron2/d2-faster-rcnn-r50", 83, 75)]
    public void A_trace_finds_what_a_detection_finds(string model, int width, int height)
    {
        using var detector = (FasterRcnn)new ReferenceCase(model).Load(Device);
        var picture = width == 320 ? Sample : Noise(width, height);
        detector.ScoreThreshold = 0.01f;
        var before = detector.Detect(picture);
        var trace = detector.Trace(picture);

        Assert.That(trace.Objects, Is.EqualTo(before));
        Assert.That(detector.Detect(picture), Is.EqualTo(before), "a trace leaves nothing behind");
        Assert.That(trace.Objects, Is.Not.Empty);
        Assert.That(trace.ClassBoxes.Count(box => box.IsKept), Is.GreaterThanOrEqualTo(trace.Objects.Count));
    }

    [Test]
    public void A_trace_of_mask_rcnn_has_masks()
    {
        using var detector = (FasterRcnn)new ReferenceCase("zoo/maskrcnn").Load(Device);
        var picture = Noise(90, 120);
        var trace = detector.Trace(picture);
        Assert.That(trace.Objects.Select(o => o.Mask?.Area), Is.EqualTo(detector.Detect(picture).Select(o => o.Mask?.Area)));
        Assert.That(trace.Objects, Has.Some.Matches<DetectedObject>(o => o.Mask is not null));
    }

    [Test]
    public void Lateral_and_upsampled_map_add_up_to_the_merged_map_bit_by_bit()
    {
        using var detector = (FasterRcnn)Detector.Load(Device);
        var trace = detector.Trace(Noise(211, 150));
        Assert.That(trace.TopDown[5].Upsampled, Is.Null);
        Assert.That(trace.TopDown[5].Merged.Values, Is.EqualTo(trace.TopDown[5].Lateral.Values));
        for (var l = 2; l < 5; l++)
        {
            var (lateral, upsampled, merged, _, _) = trace.TopDown[l];
            Assert.That(lateral.Values.Zip(upsampled!.Values, (a, b) => a + b), Is.EqualTo(merged.Values), $"M{l}");
            // Nearest neighbours: the first pixel of each 2 × 2 is that of the coarser map.
            Assert.That(upsampled[2, 4, 3], Is.EqualTo(trace.TopDown[l + 1].Merged[1, 2, 3]), $"U{l}");
        }
    }

    [Test]
    public void Parts_of_the_pathway_are_those_that_a_pyramid_without_the_others_computes()
    {
        using var whole = (FasterRcnn)Detector.Load(Device);
        var trace = whole.Trace(Noise(211, 150));
        // At the top, there is nothing but the lateral.
        Assert.That(trace.TopDown[5].WithoutTopDown.Values, Is.EqualTo(trace.Pyramid[5].Values));
        Assert.That(trace.TopDown[5].WithoutLateral.Values, Is.EqualTo(trace.Pyramid[5].Values));
        // The 3×3 is linear: P4 = smooth(L4) + smooth(up(L5)) − bias, and at l = 4 the repeated map is the upsampled one.
        var (alone, repeated, level) = (trace.TopDown[4].WithoutTopDown, trace.TopDown[4].WithoutLateral, trace.Pyramid[4]);
        var bias = Enumerable.Range(0, level.Channels).Select(c => alone[3, 5, c] + repeated[3, 5, c] - level[3, 5, c]).ToArray();
        for (var c = 0; c < level.Channels; c++)
            Assert.That(alone[7, 9, c] + repeated[7, 9, c] - level[7, 9, c], Is.EqualTo(bias[c]).Within(1e-3), $"channel {c}");
        Assert.That(trace.TopDown[2].WithoutTopDown.Values, Is.Not.EqualTo(trace.TopDown[2].WithoutLateral.Values));
    }

    [Test]
    public void Maps_have_the_shapes_and_strides_of_the_paper()
    {
        using var detector = (FasterRcnn)Detector.Load(Device);
        var trace = detector.Trace(Sample);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(trace.Resized, Is.EqualTo((320, 320)));
            Assert.That((trace.Input.Height, trace.Input.Width, trace.Input.Channels, trace.Input.StridePx), Is.EqualTo((320, 320, 3, 1)));
            Assert.That(trace.BottomUp.Select(map => (map.Height, map.Channels, map.StridePx)), Is.EqualTo(new[] { (80, 32, 4), (40, 64, 8), (20, 128, 16), (10, 256, 32) }));
            Assert.That(trace.Pyramid.Select(map => (map.Height, map.Channels, map.StridePx)), Is.EqualTo(new[] { (80, 96, 4), (40, 96, 8), (20, 96, 16), (10, 96, 32), (5, 96, 64) }));
            Assert.That((trace.Pyramid.Finest, trace.TopDown.Finest, trace.TopDown.Coarsest), Is.EqualTo((2, 2, 5)));
            Assert.That(trace.Objectness.Select(map => map.Channels), Is.All.EqualTo(3));
            Assert.That(trace.AnchorDeltas.Select(map => map.Channels), Is.All.EqualTo(12));
            Assert.That(trace.Pyramid[6].Values[..96], Is.EqualTo(trace.Pyramid[5].Values[..96]), "P6 is every second pixel of P5");
        }
    }

    [Test]
    public void Proposals_lead_to_the_regions_and_the_regions_to_boxes()
    {
        using var detector = (FasterRcnn)Detector.Load(Device);
        var trace = detector.Trace(Sample);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(trace.Proposals.Where(p => p.Level == 2).Select(p => p.Score), Is.Ordered.Descending);
            Assert.That(trace.Proposals.Count(p => p.Level == 6), Is.EqualTo(75), "P6 has fewer anchors than the limit");
            Assert.That(trace.Proposals.Count(p => p.Roi is not null), Is.EqualTo(trace.Rois.Count));
            Assert.That(trace.RoiFeatures, Has.Length.EqualTo(trace.Rois.Count * 7 * 7 * 96));
            Assert.That(trace.Rois.Select(roi => roi.Scores.Sum()), Is.All.EqualTo(1).Within(1e-5));
            Assert.That(trace.Rois.Select(roi => roi.Deltas.Length), Is.All.EqualTo(4 * detector.Classes.Count));
        }
        foreach (var proposal in trace.Proposals.Where(p => p.Roi is not null))
        {
            var roi = trace.Rois[proposal.Roi!.Value];
            Assert.That((roi.BoxInputPx, roi.Objectness), Is.EqualTo((proposal.BoxInputPx, proposal.Score)));
            Assert.That(proposal.IsKept);
        }
        foreach (var box in trace.ClassBoxes)
            Assert.That(box.Score, Is.EqualTo(trace.Rois[box.Roi].Scores[box.ClassId]));
        foreach (var (k, roi) in trace.Rois.Index())
        {
            var rule = detector.Configuration;
            var side = Math.Sqrt(Math.Max(0, roi.BoxInputPx.Area)) / rule.RoiCanonicalSide;
            Assert.That(roi.Level, Is.EqualTo(Math.Clamp((int)Math.Floor(rule.RoiCanonicalLevel + Math.Log2(side) + 1e-6), 2, 5)), $"RoI {k}");
        }
    }

    [Test]
    public void Models_without_a_whole_pyramid_and_pyramids_of_pictures_are_refused()
    {
        using var detector = (FasterRcnn)Detector.Load(Device, path: null, overrides: """{ "image_pyramid": [64, 96] }""");
        Assert.That(() => detector.Trace(Sample), Throws.InvalidOperationException.With.Message.Contains("image_pyramid"));
        Assert.That(() => detector.Trace(null!), Throws.ArgumentNullException);
    }

    private static RgbImage Noise(int width, int height)
    {
        var picture = new RgbImage(width, height);
        new Random(18).NextBytes(picture.Pixels);
        return picture;
    }
}
