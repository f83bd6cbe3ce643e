using System.Globalization;
using Fpn.IlGpu.Tensors;
using NUnit.Framework;

namespace Fpn.IlGpu.Course.Checks;

/// <summary>
/// Checks the exercises of chapter 12: each part alone on a part of the sample picture, with what the library computed before it,
/// and all parts together on the whole picture.
/// </summary>
public sealed class Chapter12Check
{
    private const float MapTolerance = 2e-3f;
    private const float BoxTolerancePx = 0.1f;
    private const double LeastInCommon = 0.98;
    private const int MostRegions = 1000;
    private const int MostUnordered = 20;
    private const int EmptyRegions = 40;
    private const float LogitTolerance = 0.1f;

    [Test]
    public void Your_pyramid_is_the_models() => Learner.Try(() => CheckPyramid(CourseKernels.Yours, Exercises.Chapter12.Pyramid));

    [Test]
    public void Your_regions_are_the_models() => Learner.Try(() => CheckRegions(CourseKernels.Yours, Exercises.Chapter12.Propose));

    [Test]
    public void Your_objects_are_the_models() => Learner.Try(() => CheckObjects(CourseKernels.Yours, Exercises.Chapter12.Find));

    [Test]
    public void Your_detector_finds_what_fpn_detect_finds() => Learner.Try(() => CheckDetector(
        CourseKernels.Yours, Exercises.Chapter12.Pyramid, Exercises.Chapter12.Propose, Exercises.Chapter12.Find));

    public static void CheckPyramid(CourseKernels kernels, Func<Stages, Map[]> pyramid)
    {
        var model = CourseModel.CornerOnly;
        var verdict = new Verdict(12, "the pyramid");
        var got = pyramid(new Stages(kernels, model));
        for (var level = 5; level >= 2; level--)
            CheckLevel(level);
        CheckLevel(6);

        void CheckLevel(int level)
        {
            var expected = model.Trace.Pyramid[level];
            if (got.Length <= level || got[level] is not { } map)
                throw verdict.Fault($"P{level} is missing. {verdict.Hole}");
            if ((map.H, map.W, map.C) != (expected.Height, expected.Width, expected.Channels))
            {
                throw verdict.Fault(
                    $"P{level} should be {expected.Height} × {expected.Width} × {expected.Channels}, and is {map.H} × {map.W} × {map.C}.");
            }
            var largest = expected.Values.Max(MathF.Abs);
            var wrong = Enumerable.Range(0, map.Values.Length).Count(i => !(MathF.Abs(map.Values[i] - expected.Values[i]) <= MapTolerance * largest));
            if (wrong > 0)
                throw verdict.Fault($"P{level} differs from the model's in {wrong} of {map.Values.Length} values. {Reason(model, level, map)}");
        }
    }

    public static void CheckRegions(CourseKernels kernels, Func<Stages, Map[], Box[]> propose)
    {
        var model = CourseModel.PartOnly;
        var verdict = new Verdict(12, "the regions");
        var got = propose(new Stages(kernels, model), model.Pyramid);
        var expected = model.Trace.Rois.Select(roi => roi.BoxInputPx).ToArray();
        if (got.Length == 0)
            throw verdict.Fault($"There are no regions. {verdict.Hole}");
        var outside = Array.FindIndex(got, b => b.X1 < 0 || b.Y1 < 0 || b.X2 > model.InputW || b.Y2 > model.InputH);
        if (outside >= 0)
            throw verdict.Fault($"Region {outside} reaches beyond the picture: {Show(got[outside])}. Clip the decoded boxes.");
        var common = expected.Count(box => got.Any(other => Apart(box, other) <= BoxTolerancePx));
        var most = model.Trace.Proposals.Count(p => p.IsCandidate);
        if (got.Length > MostRegions)
        {
            throw verdict.Fault(
                $"There are {got.Length} regions of {most} candidates. NMS with 0.7 within each level should suppress many of them, and the best {MostRegions} of the rest remain.");
        }
        if (Unordered(model, got) > MostUnordered)
            throw verdict.Fault("The regions are not ordered by objectness over all levels: the best of a coarse level may be better than one of a fine level.");
        if (common < LeastInCommon * expected.Length)
        {
            throw verdict.Fault(
                $"Of the model's {expected.Length} regions, only {common} are among your {got.Length}. "
                + "NMS may suppress too many, for boxes of different levels don't suppress one another, or too few; fewer than 1000 of each level may be taken; "
                + "or the anchors are decoded with the deltas of another level.");
        }
    }

    public static void CheckObjects(CourseKernels kernels, Func<Stages, Map[], Box[], IReadOnlyList<Found>> find)
    {
        var model = CourseModel.PartOnly;
        // The regions in which the model finds something, and some in which it finds nothing; the others would change nothing.
        var found = model.Trace.ClassBoxes.Select(box => box.Roi).ToHashSet();
        var rois = model.Trace.Rois.Where((_, r) => found.Contains(r) || r < EmptyRegions).Select(roi => roi.BoxInputPx);
        CompareObjects(
            new Verdict(12, "the objects of a part of the picture"), model, find(new Stages(kernels, model), model.Pyramid, [.. rois]));
    }

    public static void CheckDetector(
        CourseKernels kernels, Func<Stages, Map[]> pyramid, Func<Stages, Map[], Box[]> propose,
        Func<Stages, Map[], Box[], IReadOnlyList<Found>> find)
    {
        var model = CourseModel.Whole;
        var stages = new Stages(kernels, model);
        var verdict = new Verdict(12, "the whole detector");
        var maps = pyramid(stages);
        if (maps.Length < 7 || maps.Skip(2).Any(map => map is null))
            throw verdict.Fault($"The pyramid has no P2 to P6. {verdict.Hole}");
        var found = find(stages, maps, propose(stages, maps));
        CompareObjects(verdict, model, found);
        foreach (var o in found)
        {
            TestContext.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{model.ClassNames[o.ClassId],-8} {o.Score:0.00} {o.BoxInputPx.X1,6:0.0} {o.BoxInputPx.Y1,6:0.0} {o.BoxInputPx.X2,6:0.0} {o.BoxInputPx.Y2,6:0.0}"));
        }
    }

    // How many regions have a better objectness than one before them.
    private static int Unordered(CourseModel model, Box[] regions)
    {
        var (worst, count) = (float.PositiveInfinity, 0);
        foreach (var region in regions)
        {
            if (model.Trace.Proposals.FirstOrDefault(p => Apart(p.BoxInputPx, region) <= BoxTolerancePx) is not { } proposal)
                continue;
            // Logits: most probabilities are nearly 0.
            var logit = MathF.Log(proposal.Score / MathF.Max(1 - proposal.Score, float.Epsilon));
            if (logit > worst + LogitTolerance)
                count++;
            worst = MathF.Min(worst, logit);
        }
        return count;
    }

    private static void CompareObjects(Verdict verdict, CourseModel model, IReadOnlyList<Found> got)
    {
        // The picture is not resized, so that px of the picture are input px.
        var expected = model.Trace.Objects;
        if (got.Count == 0)
            throw verdict.Fault($"There are no objects. {verdict.Hole}");
        if (got.Any(o => o.ClassId == 0))
            throw verdict.Fault("There is an object of class 0. That is the background: everything that is no object.");
        foreach (var o in expected)
        {
            var same = got.Where(other => other.ClassId == o.ClassId).ToArray();
            if (same.Length == 0)
                throw verdict.Fault($"The {o.Label} at {Show(o.BoxImagePx)} is missing.");
            var nearest = same.MinBy(other => Apart(other.BoxInputPx, o.BoxImagePx))!;
            var apart = Apart(nearest.BoxInputPx, o.BoxImagePx);
            if (apart > 0.5f)
            {
                throw verdict.Fault(
                    $"The {o.Label} at {Show(o.BoxImagePx)} is missing; the nearest of your objects of its class is at {Show(nearest.BoxInputPx)}. "
                    + (apart > 3 && same.Length < expected.Count(other => other.ClassId == o.ClassId)
                        ? "Another class's box may have suppressed it: only boxes of the same class suppress one another."
                        : "Boxes that are off by some px were moved too far or not far enough: divide the deltas by 10, 10, 5, 5."));
            }
            if (MathF.Abs(nearest.Score - o.Score) > 0.02f)
                throw verdict.Fault(string.Create(CultureInfo.InvariantCulture, $"The {o.Label} at {Show(o.BoxImagePx)} should have the score {o.Score:0.00}, and has {nearest.Score:0.00}."));
        }
        if (got.Count > expected.Count)
            throw verdict.Fault($"There are {got.Count} objects, and the model finds {expected.Count}: the others are further boxes of the same objects. NMS with 0.5 suppresses them.");
    }

    // The mistakes that are made in putting a pyramid together, each with the level that it shows in first.
    private static string Reason(CourseModel model, int level, Map map)
    {
        var trace = model.Trace;
        bool Is(float[] values) => values.Length == map.Values.Length && values.Zip(map.Values).All(p => MathF.Abs(p.First - p.Second) <= MapTolerance * 10);
        if (level <= 5 && Is(trace.TopDown[level].Merged.Values))
            return "It is the merged map: the 3×3 is missing.";
        if (level <= 5 && Is(trace.TopDown[level].WithoutTopDown.Values))
            return "It is smoothed from the lateral alone: the coarser map is not added.";
        if (level <= 4 && Is(trace.TopDown[level].WithoutLateral.Values))
            return "It is smoothed from the coarser map alone: the lateral is not added.";
        if (level == 6)
            return "P6 is P5, the smoothed map, subsampled.";
        return level == 5
            ? "It is the 3×3 of C5's lateral. If that is what it is, run the checks of chapters 5 and 7."
            : "Merge the lateral with the merged map above, as it was before its 3×3. If you do, run the checks of chapters 5 to 7.";
    }

    private static float Apart(Box a, Box b) => MathF.Max(
        MathF.Max(MathF.Abs(a.X1 - b.X1), MathF.Abs(a.Y1 - b.Y1)), MathF.Max(MathF.Abs(a.X2 - b.X2), MathF.Abs(a.Y2 - b.Y2)));

    private static string Show(Box box) => string.Create(CultureInfo.InvariantCulture, $"({box.X1:0.0}, {box.Y1:0.0}, {box.X2:0.0}, {box.Y2:0.0})");
}
