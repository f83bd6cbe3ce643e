using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Tests.Reference;
using Fpn.IlGpu.Training;
using Fpn.IlGpu.Verification;

namespace Fpn.IlGpu.Tests.Training;

/// <summary>Matching and coding against torchvision, and matching with ignored regions against nested loops.</summary>
public class BoxMatchingTests
{
    [TestCaseSource(typeof(TargetFixture), nameof(TargetFixture.Numbers))]
    public void Matches_agree_with_torchvision(int number)
    {
        var fixture = new TargetFixture(number);
        var candidates = new BoxColumns(fixture.Candidates);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(BoxMatching.Run(candidates, fixture.Truth, [], MatchRule.Anchors), Is.EqualTo(fixture.Matches("anchor_matches")));
            Assert.That(BoxMatching.Run(candidates, fixture.Truth, [], MatchRule.Rois), Is.EqualTo(fixture.Matches("roi_matches")));
            Assert.That(
                BoxMatching.Run(candidates, fixture.Truth, [], MatchRule.RetinaNet), Is.EqualTo(fixture.Matches("retina_matches")));
        }
    }

    [TestCaseSource(typeof(TargetFixture), nameof(TargetFixture.Numbers))]
    public void Deltas_agree_with_torchvision(int number)
    {
        var fixture = new TargetFixture(number);
        Comparison.AssertClose(Encode(fixture, new BoxWeights(1, 1, 1, 1)), fixture.Values("anchor_deltas"), 1e-5, 1e-5);
        Comparison.AssertClose(Encode(fixture, new BoxWeights(10, 10, 5, 5)), fixture.Values("roi_deltas"), 1e-5, 1e-5);

        static float[] Encode(TargetFixture fixture, BoxWeights weights)
        {
            var (candidates, truth) = (fixture.Candidates, fixture.Truth);
            var deltas = new float[candidates.Length * 4];
            for (var i = 0; i < candidates.Length; i++)
                BoxCoding.Encode(candidates[i], truth[i % truth.Length], weights, deltas.AsSpan(i * 4, 4));
            return deltas;
        }
    }

    [Test]
    public void Encoded_deltas_decode_to_the_box()
    {
        var weights = new BoxWeights(10, 10, 5, 5);
        foreach (var (from, to) in Random(40, 3, 200).Zip(Random(40, 4, 200)).Where(p => p.First.Area > 1 && p.Second.Area > 1))
        {
            var deltas = new float[4];
            BoxCoding.Encode(from, to, weights, deltas);
            // Growth beyond the decoder's clamp can't be decoded.
            if (Math.Max(to.Width / from.Width, to.Height / from.Height) > 60)
                continue;
            var decoded = BoxDecodeReference.Run(deltas, [from.X1, from.Y1, from.X2, from.Y2], [10, 10, 5, 5], 1);
            Comparison.AssertClose(decoded, [to.X1, to.Y1, to.X2, to.Y2], 1e-3, 1e-4);
        }
    }

    [TestCase(1, 1, 0)]
    [TestCase(5, 0, 2)]
    [TestCase(37, 3, 1)]
    [TestCase(1000, 20, 5)]
    public void Matches_agree_with_nested_loops(int candidates, int truth, int ignored)
    {
        var (a, g, regions) = (Random(candidates, 7, 100), Random(truth, 8, 100), Random(ignored, 9, 100));
        foreach (var rule in new[] { MatchRule.Anchors, MatchRule.Rois, new MatchRule(0.3f, 0.1f, true) })
            Assert.That(BoxMatching.Run(new BoxColumns(a), g, regions, rule), Is.EqualTo(NestedLoops(a, g, regions, rule)), $"{rule}");
    }

    [Test]
    public void Candidates_in_an_ignored_region_are_neither_unless_positive()
    {
        Box[] candidates = [new(0, 0, 10, 10), new(5, 0, 15, 10), new(6, 0, 16, 10), new(0, 20, 10, 30), new(20, 20, 30, 30)];
        var matches = BoxMatching.Run(new BoxColumns(candidates), [new Box(0, 20, 10, 30)], [new Box(0, 0, 10, 40)], MatchRule.Anchors);
        Assert.That(matches, Is.EqualTo(new[] { BoxMatching.Neither, BoxMatching.Neither, BoxMatching.Negative, 0, BoxMatching.Negative }));
    }

    [Test]
    public void A_box_that_no_candidate_overlaps_makes_none_positive()
    {
        Box[] candidates = [new(0, 0, 10, 10), new(20, 0, 30, 10), new(4, 4, 4, 4)];
        var matches = BoxMatching.Run(new BoxColumns(candidates), [new Box(50, 50, 60, 60)], [], MatchRule.Anchors);
        Assert.That(matches, Is.All.EqualTo(BoxMatching.Negative));
    }

    private static Box[] Random(int count, int seed, float side)
        => [.. CaseValues.Boxes(count, seed, side, side).Chunk(4).Select(b => new Box(b[0], b[1], b[2], b[3]))];

    private static int[] NestedLoops(Box[] candidates, Box[] truth, Box[] ignored, MatchRule rule)
    {
        static float Inside(Box a, Box b)
            => Math.Max(Math.Min(a.X2, b.X2) - Math.Max(a.X1, b.X1), 0) * Math.Max(Math.Min(a.Y2, b.Y2) - Math.Max(a.Y1, b.Y1), 0);
        static float Iou(Box a, Box b) => a.Area + b.Area - Inside(a, b) is > 0 and var union ? Inside(a, b) / union : 0;

        var matches = new int[candidates.Length];
        for (var i = 0; i < candidates.Length; i++)
        {
            var nearest = 0;
            for (var t = 1; t < truth.Length; t++)
            {
                if (Iou(candidates[i], truth[t]) > Iou(candidates[i], truth[nearest]))
                    nearest = t;
            }
            var iou = truth.Length == 0 ? 0 : Iou(candidates[i], truth[nearest]);
            var best = truth.Any(t => Iou(candidates[i], t) > 0 && candidates.All(c => Iou(c, t) <= Iou(candidates[i], t)));
            var skipped = ignored.Any(region => Inside(candidates[i], region) >= Math.Max(0.5f * candidates[i].Area, float.Epsilon));
            matches[i] = iou >= rule.PositiveFrom || (rule.BestOfEach && best) ? nearest
                : iou >= rule.NegativeBelow || skipped ? BoxMatching.Neither
                : BoxMatching.Negative;
        }
        return matches;
    }
}
