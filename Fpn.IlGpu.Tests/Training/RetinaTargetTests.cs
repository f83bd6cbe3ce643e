using Fpn.IlGpu.Data;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Tests.Reference;
using Fpn.IlGpu.Training;

namespace Fpn.IlGpu.Tests.Training;

/// <summary>What RetinaNet's anchors are to learn, against torchvision's Matcher and BoxCoder and on small cases.</summary>
public class RetinaTargetTests
{
    [TestCaseSource(typeof(TargetFixture), nameof(TargetFixture.Numbers))]
    public void Labels_and_deltas_are_torchvisions(int number)
    {
        var fixture = new TargetFixture(number);
        var (truth, matches) = (fixture.Truth, fixture.Matches("retina_matches"));
        var objects = truth.Select((box, t) => new SampleObject(box, ClassOf(t)));
        var targets = RetinaTargets.Of(new BoxColumns(fixture.Candidates), new PictureTruth(objects), MatchRule.RetinaNet, new BoxWeights(1, 1, 1, 1));
        var positives = Enumerable.Range(0, matches.Length).Where(i => matches[i] >= 0).ToArray();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(targets.Labels, Is.EqualTo(matches.Select(match => match < 0 ? match : ClassOf(match))));
            Assert.That(targets.Positives, Is.EqualTo(positives));
        }
        // The fixture has each candidate's deltas to the true box of the same number, modulo their number.
        var deltas = fixture.Values("anchor_deltas");
        foreach (var (p, i) in positives.Index().Where(item => matches[item.Item] == item.Item % truth.Length))
            Comparison.AssertClose(targets.Deltas.AsSpan(4 * p, 4), deltas.AsSpan(4 * i, 4), 1e-5, 1e-5);

        static int ClassOf(int t) => 3 * t % 7;
    }

    [Test]
    public void Anchors_are_a_class_background_or_left_out()
    {
        Box[] anchors =
        [
            new(0, 0, 32, 32), new(0, 16, 32, 48), new(100, 100, 132, 132), new(200, 200, 232, 232), new(300, 0, 332, 32),
            new(0, 0, 32, 71),
        ];
        var truth = new PictureTruth(
        [
            new(new Box(190, 190, 240, 240), 0, IsIgnored: true), new(new Box(0, 0, 32, 32), 3), new(new Box(100, 100, 110, 110), 1),
            new(new Box(40, 40, 40, 60), 2),
        ]);
        var targets = RetinaTargets.Of(new BoxColumns(anchors), truth, MatchRule.RetinaNet, new BoxWeights(1, 1, 1, 1));
        using (Assert.EnterMultipleScope())
        {
            // The third is the best of its box, at an IoU of 0.1; the fourth is in a crowd; the last overlaps by 0.45.
            Assert.That(
                targets.Labels,
                Is.EqualTo(new[] { 3, BoxMatching.Negative, 1, BoxMatching.Neither, BoxMatching.Negative, BoxMatching.Neither }));
            Assert.That(targets.Positives, Is.EqualTo(new[] { 0, 2 }));
            Assert.That(
                targets.Deltas,
                Is.EqualTo(new[] { 0, 0, 0, 0, -11f / 32, -11f / 32, MathF.Log(10f / 32), MathF.Log(10f / 32) }).Within(1e-6));
        }
    }

    [Test]
    public void A_picture_without_objects_is_background()
    {
        var targets = RetinaTargets.Of(new BoxColumns([new Box(0, 0, 9, 9)]), new PictureTruth([]), MatchRule.RetinaNet, new BoxWeights(1, 1, 1, 1));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(targets.Labels, Is.EqualTo(new[] { BoxMatching.Negative }));
            Assert.That(targets.Positives, Is.Empty);
            Assert.That(targets.Deltas, Is.Empty);
        }
    }
}
