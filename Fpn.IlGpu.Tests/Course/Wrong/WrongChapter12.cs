using Fpn.IlGpu.Course;
using Fpn.IlGpu.Course.Checks;
using Fpn.IlGpu.Tensors;
using Solution = Fpn.IlGpu.Course.Solutions.Chapter12;

namespace Fpn.IlGpu.Tests.Course;

/// <summary>Wrong solutions of chapter 12.</summary>
internal static class WrongChapter12
{
    private enum Built { FromSmoothed, WithoutTopDown, WithoutSmoothing, P6OfMerged }

    private enum Proposed { OneNms, NotClipped, NoNms, ByLevel, Few }

    private enum Chosen { NoWeights, OneNms, Background, NoNms }

    public static IReadOnlyList<WrongSolution> All { get; } =
    [
        new(12, "merged with the smoothed map", "as it was before its 3×3", () => Pyramid(Built.FromSmoothed)),
        new(12, "no top-down pathway", "lateral alone", () => Pyramid(Built.WithoutTopDown)),
        new(12, "no 3×3", "the 3×3 is missing", () => Pyramid(Built.WithoutSmoothing)),
        new(12, "P6 of the merged map", "P6 is P5, the smoothed map", () => Pyramid(Built.P6OfMerged)),
        new(12, "regions: NMS over all levels", "different levels", () => Regions(Proposed.OneNms)),
        new(12, "regions: not clipped", "Clip the decoded boxes", () => Regions(Proposed.NotClipped)),
        new(12, "regions: no NMS", "NMS with 0.7", () => Regions(Proposed.NoNms)),
        new(12, "regions: level by level", "over all levels", () => Regions(Proposed.ByLevel)),
        new(12, "regions: too few", "fewer than 1000", () => Regions(Proposed.Few)),
        new(12, "objects: deltas as they are", "10, 10, 5, 5", () => Objects(Chosen.NoWeights)),
        new(12, "objects: NMS over all classes", "missing", () => Objects(Chosen.OneNms)),
        new(12, "objects: background", "class 0", () => Objects(Chosen.Background)),
        new(12, "objects: no NMS", "NMS with 0.5", () => Objects(Chosen.NoNms)),
    ];

    private static void Pyramid(Built how) => Chapter12Check.CheckPyramid(Solution.Kernels, stages =>
    {
        var pyramid = new Map[7];
        var merged = stages.Lateral(5);
        pyramid[5] = how == Built.WithoutSmoothing ? merged : stages.Smooth(5, merged);
        var top = merged;
        for (var level = 4; level >= 2; level--)
        {
            var lateral = stages.Lateral(level);
            merged = how == Built.WithoutTopDown ? lateral : stages.Merge(lateral, how == Built.FromSmoothed ? pyramid[level + 1] : merged);
            pyramid[level] = stages.Smooth(level, merged);
        }
        pyramid[6] = stages.Subsample(how == Built.P6OfMerged ? top : pyramid[5]);
        return pyramid;
    });

    private static void Regions(Proposed how) => Chapter12Check.CheckRegions(Solution.Kernels, (stages, pyramid) =>
    {
        var (boxes, scores, levels) = (new List<Box>(), new List<float>(), new List<int>());
        for (var level = 2; level <= 6; level++)
        {
            var (objectness, deltas) = stages.RpnHead(level, pyramid[level]);
            var decoded = stages.DecodeAnchors(level, pyramid[level], deltas);
            foreach (var i in stages.Best(objectness, how == Proposed.Few ? 100 : 1000))
            {
                boxes.Add(how == Proposed.NotClipped ? decoded[i] : stages.Clip(decoded[i]));
                scores.Add(objectness[i]);
                levels.Add(level);
            }
        }
        var order = how == Proposed.ByLevel ? [.. Enumerable.Range(0, scores.Count)] : stages.Best(scores, scores.Count);
        Box[] ranked = [.. order.Select(i => boxes[i])];
        var kept = how == Proposed.NoNms
            ? [.. ranked.Select(_ => true)]
            : stages.Suppress(ranked, [.. order.Select(i => how == Proposed.OneNms ? 0 : levels[i])], 0.7f);
        Box[] all = [.. ranked.Where((_, i) => kept[i])];
        return how == Proposed.NoNms ? all : [.. all.Take(1000)];
    });

    private static void Objects(Chosen how) => Chapter12Check.CheckObjects(Solution.Kernels, (stages, pyramid, rois) =>
    {
        var (probabilities, deltas) = stages.BoxHead(stages.RoiFeatures(pyramid, rois));
        var found = new List<Found>();
        for (var i = 0; i < probabilities.Length; i++)
        {
            var (r, classId) = (i / stages.Classes, i % stages.Classes);
            if ((classId == 0 && how != Chosen.Background) || probabilities[i] <= 0.5f)
                continue;
            var (xy, wh) = how == Chosen.NoWeights ? (1, 1) : (10, 5);
            var moved = new Deltas(deltas[4 * i] / xy, deltas[4 * i + 1] / xy, deltas[4 * i + 2] / wh, deltas[4 * i + 3] / wh);
            found.Add(new Found(classId, probabilities[i], stages.Clip(stages.Decode(rois[r], moved))));
        }
        Found[] ranked = [.. found.OrderByDescending(f => f.Score)];
        var kept = how == Chosen.NoNms
            ? [.. ranked.Select(_ => true)]
            : stages.Suppress([.. ranked.Select(f => f.BoxInputPx)], [.. ranked.Select(f => how == Chosen.OneNms ? 0 : f.ClassId)], 0.5f);
        return [.. ranked.Where((_, i) => kept[i])];
    });
}
