using Fpn.IlGpu.Data;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Training;

namespace Fpn.IlGpu.Tests.Training;

/// <summary>What the head that proposes masks is to learn, against the rule written as nested loops over all windows and objects.</summary>
public class MaskProposalTargetTests
{
    private const int Finest = 2;
    private static readonly float[] Sizes = [16, 32, 64, 128, 256];

    [TestCase(1, 128, 192)]
    [TestCase(2, 128, 192)]
    [TestCase(2, 33, 7)]
    [TestCase(1, 1, 1)]
    [TestCase(3, 100, 260)]
    public void Matches_are_those_of_nested_loops(int perLocation, int h, int w)
    {
        var (windows, maps) = (new ObjectWindows(Sizes, Finest, perLocation), Maps(perLocation, h, w));
        var random = new KeyedRandom(perLocation, h, w);
        for (var round = 0; round < 20; round++)
        {
            var objects = new List<SampleObject>();
            for (var g = 0; g < 8; g++)
            {
                var (cx, cy) = ((float)random.NextUnit() * w, (float)random.NextUnit() * h);
                var (bw, bh) = (MathF.Pow(2, 2 + 6 * (float)random.NextUnit()), MathF.Pow(2, 2 + 6 * (float)random.NextUnit()));
                objects.Add(new SampleObject(new Box(cx - bw / 2, cy - bh / 2, cx + bw / 2, cy + bh / 2), 0, IsIgnored: g % 4 == 3));
            }
            // The same place once more: the first of two objects that are equally near is the one to find.
            objects.Add(objects[0]);
            var truth = new PictureTruth(objects);
            Assert.That(MaskProposalTargets.Match(windows, maps, truth), Is.EqualTo(Reference(maps, perLocation, truth)));
        }
    }

    [Test]
    public void An_objects_scale_is_the_nearest_in_log_space_and_its_region_is_a_quarter_larger()
    {
        var windows = new ObjectWindows([32, 64, 128, 256, 512], Finest, 2);
        int Scale(float w, float h) => windows.ScaleOf(new Box(3, 4, 3 + w, 4 + h));
        Assert.Multiple(() =>
        {
            Assert.That((Scale(1, 2), Scale(32, 5), Scale(5, 38), Scale(38.1f, 38)), Is.EqualTo((0, 0, 0, 1)));
            Assert.That((Scale(45, 45), Scale(64, 1), Scale(500, 512), Scale(724, 3), Scale(5000, 1)), Is.EqualTo((1, 2, 8, 9, 9)));
            Assert.That(windows.Region(0, 0, 0), Is.EqualTo(new Box(-18, -18, 22, 22)), "40 px around the centre of the first pixel");
            Assert.That(windows.Region(8, 1, 2), Is.EqualTo(new Box(160 - 320, 96 - 320, 160 + 320, 96 + 320)));
            Assert.That(windows.Region(1, 0, 0).Width, Is.EqualTo(40 * MathF.Sqrt(2)).Within(1e-4));
            Assert.That((windows.Stride(0), windows.Stride(1), windows.Stride(9)), Is.EqualTo((4, 4, 64)));
        });
    }

    [Test]
    public void A_quarter_of_the_windows_are_positive_at_most_and_objects_without_a_mask_teach_the_score_only()
    {
        var (windows, maps) = (new ObjectWindows(Sizes, Finest, 2), Maps(2, 128, 192));
        var mask = ObjectMask.FromRuns([0, 128 * 192], 192, 128);
        var truth = new PictureTruth(
        [
            new SampleObject(new Box(40, 40, 56, 56), 0), new SampleObject(new Box(100, 60, 116, 76), 0) { Mask = mask },
        ]);
        var targets = MaskProposalTargets.Of(windows, maps, (truth, 128, 192), new SampleSize(20, 0.25f), 14, new KeyedRandom(1));
        Assert.That((targets.Positives.Length, targets.Negatives.Length), Is.EqualTo((5, 15)));
        var matches = MaskProposalTargets.Match(windows, maps, truth);
        Assert.That(
            targets.Masks.Positives, Is.EqualTo(Enumerable.Range(0, 5).Where(i => matches[targets.Positives[i]] == 1)).And.Not.Empty);
        Assert.That(targets.Masks.Values, Has.Length.EqualTo(196 * targets.Masks.Positives.Length).And.All.EqualTo(1).Within(1e-5));
        var none = MaskProposalTargets.Of(windows, maps, (new PictureTruth([]), 128, 192), new SampleSize(20, 0.25f), 14, new KeyedRandom(1));
        Assert.That((none.Positives.Length, none.Negatives.Length, none.Masks.Values.Length), Is.EqualTo((0, 20, 0)));
    }

    private static Shape[] Maps(int perLocation, int h, int w)
    {
        var sizes = new List<(int H, int W)> { ((h + 3) / 4, (w + 3) / 4) };
        while (sizes.Count < Sizes.Length)
            sizes.Add(((sizes[^1].H + 1) / 2, (sizes[^1].W + 1) / 2));
        return [.. sizes.SelectMany(s => Enumerable.Repeat(new Shape(1, s.H, s.W, 1), perLocation))];
    }

    private static int[] Reference(Shape[] maps, int perLocation, PictureTruth truth)
    {
        var matches = new List<int>();
        foreach (var (i, map) in maps.Index())
        {
            var stride = MathF.Pow(2, Finest + i / perLocation);
            for (var y = 0; y < map.H; y++)
            {
                for (var x = 0; x < map.W; x++)
                {
                    var (px, py) = ((x + 0.5f) * stride, (y + 0.5f) * stride);
                    var match = truth.Ignored.Any(r => px >= r.X1 && px <= r.X2 && py >= r.Y1 && py <= r.Y2) ? -2 : -1;
                    var nearest = float.PositiveInfinity;
                    foreach (var (g, box) in truth.Boxes.Index())
                    {
                        var (dx, dy) = (px - (box.X1 + box.X2) / 2, py - (box.Y1 + box.Y2) / 2);
                        if (ScaleOf(box, perLocation) != i || MathF.Max(MathF.Abs(dx), MathF.Abs(dy)) > stride || dx * dx + dy * dy >= nearest)
                            continue;
                        (match, nearest) = (g, dx * dx + dy * dy);
                    }
                    matches.Add(match);
                }
            }
        }
        return [.. matches];
    }

    private static int ScaleOf(Box box, int perLocation)
    {
        var (best, least) = (0, double.PositiveInfinity);
        for (var i = 0; i < Sizes.Length * perLocation; i++)
        {
            var scale = Sizes[i / perLocation] * Math.Pow(2, i % perLocation / (double)perLocation);
            var distance = Math.Abs(Math.Log(Math.Max(box.Width, box.Height) / scale));
            if (distance < least)
                (best, least) = (i, distance);
        }
        return best;
    }
}
