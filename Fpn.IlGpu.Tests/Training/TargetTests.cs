using Fpn.IlGpu.Data;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Training;

namespace Fpn.IlGpu.Tests.Training;

/// <summary>Sampling, and the targets of anchors and RoIs.</summary>
public class TargetTests
{
    private static readonly BoxWeights HeadWeights = new(10, 10, 5, 5);

    [TestCase(0, 1000, 0, 256)]
    [TestCase(50, 1000, 50, 206)]
    [TestCase(500, 1000, 128, 128)]
    [TestCase(500, 100, 128, 100)]
    [TestCase(3, 0, 3, 0)]
    public void Positives_take_up_to_half_and_negatives_the_rest(int positives, int negatives, int expected, int expectedNegatives)
    {
        var matches = Matches(positives, negatives);
        var (chosen, rest) = TargetSampler.Choose(matches, SampleSize.Anchors, new KeyedRandom(1));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(chosen, Has.Length.EqualTo(expected));
            Assert.That(rest, Has.Length.EqualTo(expectedNegatives));
            Assert.That(chosen, Is.Unique.And.Ordered);
            Assert.That(rest, Is.Unique.And.Ordered);
            Assert.That(chosen.Select(i => matches[i]), Is.All.GreaterThanOrEqualTo(0));
            Assert.That(rest.Select(i => matches[i]), Is.All.EqualTo(BoxMatching.Negative));
        }
    }

    [Test]
    public void The_same_key_chooses_the_same_samples_and_other_keys_others()
    {
        var matches = Matches(400, 4000);
        var first = TargetSampler.Choose(matches, SampleSize.Rois, new KeyedRandom(7, 100, 2));
        Assert.That(TargetSampler.Choose(matches, SampleSize.Rois, new KeyedRandom(7, 100, 2)).Positives, Is.EqualTo(first.Positives));
        long[][] others = [[8, 100, 2], [7, 101, 2], [7, 100, 3], [100, 7, 2], [7, 100]];
        foreach (var key in others)
            Assert.That(TargetSampler.Choose(matches, SampleSize.Rois, new KeyedRandom(key)).Positives, Is.Not.EqualTo(first.Positives));
    }

    [Test]
    public void Every_candidate_is_chosen_about_equally_often()
    {
        var counts = new int[300];
        for (var step = 0; step < 1000; step++)
        {
            foreach (var i in TargetSampler.Choose(Matches(0, 300), new SampleSize(30, 0.5f), new KeyedRandom(3, step)).Negatives)
                counts[i / 2]++;
        }
        // Expected 100, standard deviation 9.5: the bounds are five deviations away.
        Assert.That(counts, Is.All.InRange(52, 148));
    }

    [Test]
    public void Anchors_are_assigned_their_nearest_box()
    {
        Box[] anchors = [new(0, 0, 32, 32), new(100, 100, 132, 132), new(200, 200, 232, 232), new(0, 16, 32, 48)];
        var truth = new PictureTruth(
        [
            new(new Box(0, 0, 32, 40), 3), new(new Box(100, 100, 116, 132), 1), new(new Box(190, 190, 240, 240), 0, IsIgnored: true),
            new(new Box(40, 40, 40, 60), 2),
        ]);
        var targets = AnchorTargets.Of(new BoxColumns(anchors), truth, SampleSize.Anchors, MatchRule.Anchors, new KeyedRandom(1));
        using (Assert.EnterMultipleScope())
        {
            // The second is the best for its box, at an IoU of 0.5; the third is in an ignored region; the last has an IoU of 0.5.
            Assert.That(targets.Positives, Is.EqualTo(new[] { 0, 1 }));
            Assert.That(targets.Negatives, Is.Empty);
            Assert.That(
                targets.Deltas,
                Is.EqualTo(new[] { 0, 4f / 32, 0, MathF.Log(40f / 32), -8f / 32, 0, MathF.Log(0.5f), 0 }).Within(1e-6));
        }
    }

    [Test]
    public void Rois_begin_with_the_positives_and_include_the_true_boxes()
    {
        Box[] proposals = [new(0, 0, 20, 20), new(101, 100, 133, 132), new(300, 300, 310, 310), new(190, 190, 240, 240)];
        var truth = new PictureTruth(
            [new(new Box(100, 100, 132, 132), 4), new(new Box(50, 50, 60, 60), 6), new(new Box(180, 180, 250, 250), 0, IsIgnored: true)]);
        var targets = RoiTargets.Of(proposals, truth, SampleSize.Rois, MatchRule.Rois, HeadWeights, new KeyedRandom(1));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(targets.Rois, Is.EqualTo(new[] { proposals[1], truth.Boxes[0], truth.Boxes[1], proposals[0], proposals[2] }));
            Assert.That(targets.ClassIndices, Is.EqualTo(new[] { 4, 4, 6, RoiTargets.Background, RoiTargets.Background }));
            Assert.That(targets.Truth, Is.EqualTo(new[] { 0, 0, 1 }));
            Assert.That(targets.Deltas[..4], Is.EqualTo(new[] { -10f / 32, 0, 0, 0 }).Within(1e-6));
            Assert.That(targets.Deltas[4..], Is.All.Zero);
        }
    }

    [Test]
    public void A_picture_without_objects_gives_negatives_only()
    {
        Box[] boxes = [new(0, 0, 20, 20), new(101, 100, 133, 132)];
        var truth = new PictureTruth([]);
        var anchors = AnchorTargets.Of(new BoxColumns(boxes), truth, SampleSize.Anchors, MatchRule.Anchors, new KeyedRandom(1));
        var rois = RoiTargets.Of(boxes, truth, SampleSize.Rois, MatchRule.Rois, HeadWeights, new KeyedRandom(1));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(anchors.Positives, Is.Empty);
            Assert.That(anchors.Negatives, Is.EqualTo(new[] { 0, 1 }));
            Assert.That(rois.Positives, Is.Zero);
            Assert.That(rois.ClassIndices, Is.All.EqualTo(RoiTargets.Background));
        }
    }

    [Test]
    public void No_proposals_and_no_objects_give_no_rois()
    {
        var rois = RoiTargets.Of([], new PictureTruth([]), SampleSize.Rois, MatchRule.Rois, HeadWeights, new KeyedRandom(1));
        Assert.That(rois.Rois, Is.Empty);
    }

    private static int[] Matches(int positives, int negatives)
        => [.. Enumerable.Range(0, positives + negatives)
            .SelectMany(i => new[] { BoxMatching.Neither, i < positives ? i : BoxMatching.Negative })];
}
