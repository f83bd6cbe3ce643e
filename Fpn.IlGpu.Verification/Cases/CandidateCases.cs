using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Verification.Reference;

namespace Fpn.IlGpu.Verification;

/// <summary>Selection of each picture's best boxes, and conversion of found boxes to and from regions. All are exact copies.</summary>
internal static class CandidateCases
{
    private const int Classes = 7;

    public static IEnumerable<VerifiedOperator> Operators => [
        new("the best of a picture", [Taking(1, 1, 1), Taking(2, 5, 10), Taking(3, 400, 100)]),
        new("found boxes as regions", [ToRegions(1, 1, 1), ToRegions(3, 130, 17)]),
        new("regions as found boxes", [FromRegions(5, [5]), FromRegions(9, [4, 0, 9]), FromRegions(70, [0, 70, 1, 33])]),
    ];

    /// <summary>Records a mismatch unless the found boxes are the expected ones.</summary>
    /// <param name="findings">Records the mismatches.</param>
    /// <param name="found">The device's boxes.</param>
    /// <param name="expected">The reference's boxes.</param>
    /// <param name="tolerance">The absolute tolerances of scores and of boxes, the latter in px.</param>
    /// <param name="what">A name for the compared boxes, for messages.</param>
    public static void Compare(
        Findings findings, IReadOnlyList<ScoredBox> found, ChosenBoxes expected, (double Score, double Px) tolerance, string what)
    {
        findings.Same([found.Count], [expected.Count], $"{what}, count");
        if (found.Count != expected.Count)
            return;
        findings.Same([.. found.Select(b => b.ClassId)], expected.Classes, $"{what}, classes");
        findings.Close([.. found.Select(b => b.Score)], expected.Scores, tolerance.Score, 0, [found.Count], $"{what}, scores");
        findings.Close(
            BoxCases.Floats([.. found.Select(b => b.BoxInputPx)]), expected.Boxes, tolerance.Px, 0, [found.Count, 4], $"{what}, boxes");
    }

    private static VerificationCase Taking(int batch, int perPicture, int best)
        => new($"the best {best} of each of {batch} × {perPicture}", (device, findings)
        =>
        {
            var (pictures, given) = Candidates(batch, perPicture);
            using var candidates = Upload(device, given);
            using var taken = BestOfPicture.Take(device, candidates, batch, perPicture, best);
            foreach (var (n, found) in taken.Fetch().Index())
                Compare(findings, found, Best(pictures[n], best), (0, 0), $"picture {n}");
        });

    private static VerificationCase ToRegions(int batch, int perPicture, int best)
        => new($"up to {best} of each of {batch} × {perPicture}", (device, findings)
        =>
        {
            var (pictures, given) = Candidates(batch, perPicture);
            ChosenBoxes[] each = [.. pictures.Select(p => Best(p, best))];
            var all = ChosenBoxes.Concat(each);
            using var candidates = Upload(device, given);
            using var taken = BestOfPicture.Take(device, candidates, batch, perPicture, best);
            using var classIds = device.Upload<int>([.. Enumerable.Repeat(-1, all.Count)]);
            using var rois = taken.ToRois(all.Count, classIds.View);
            findings.Same(rois.Total.Download(), [all.Count], "count");
            findings.Same(rois.Pictures.Download(), [.. each.SelectMany((e, n) => Enumerable.Repeat(n, e.Count))], "pictures");
            findings.Same(classIds.Download(), all.Classes, "classes");
            findings.Close(rois.Scores.Download(), all.Scores, 0, 0, [all.Count], "scores");
            findings.Close(BoxCases.Floats(rois.Boxes.Download()), all.Boxes, 0, 0, [all.Count, 4], "boxes");
        });

    private static VerificationCase FromRegions(int capacity, int[] counts)
        => new($"{string.Join(", ", counts)} of up to {capacity}", (device, findings)
        =>
        {
            var places = capacity * counts.Length;
            var (boxes, scores) = (CaseValues.Boxes(places, 3, 100, 80), CaseValues.Uniform(places, 4, 0, 1));
            var regions = new ChosenBoxes(boxes, scores, new int[places]);
            using var rois = new RoiSet(device, counts.Length, capacity);
            rois.Boxes.Upload(BoxCases.Boxes(boxes));
            rois.Scores.Upload(scores);
            rois.PerPicture.Upload(counts);
            using var found = FoundBoxes.Of(device, rois, counts.Length);
            foreach (var (n, own) in found.Fetch().Index())
                Compare(findings, own, regions.At(Enumerable.Range(counts[..n].Sum(), counts[n])), (0, 0), $"picture {n}");
        });

    // Few distinct scores make many ties, which the index must break. Some places are empty, and all places of the second picture are.
    private static (ChosenBoxes[] Pictures, ChosenBoxes All) Candidates(int batch, int perPicture)
    {
        var random = new Random(perPicture);
        ChosenBoxes[] pictures = [.. Enumerable.Range(0, batch).Select(n => new ChosenBoxes(
            CaseValues.Boxes(perPicture, n, 100, 80),
            [.. Enumerable.Range(0, perPicture).Select(i =>
                n == 1 || (i > 0 && random.Next(4) == 0) ? NonMaximumSuppression.Dropped : random.Next(1, 50) / 50f)],
            [.. Enumerable.Range(0, perPicture).Select(_ => random.Next(Classes))]))];
        return (pictures, ChosenBoxes.Concat(pictures));
    }

    private static ChosenBoxes Best(ChosenBoxes picture, int best)
        => picture.At(TopKReference.Run(picture.Scores, picture.Count).Where(i => picture.Scores[i] >= 0).Take(best));

    private static CandidateList Upload(Device device, ChosenBoxes given)
    {
        var candidates = new CandidateList(device, given.Count);
        candidates.Boxes.Upload(BoxCases.Boxes(given.Boxes));
        candidates.Scores.Upload(given.Scores);
        candidates.ClassIds.Upload(given.Classes);
        return candidates;
    }
}
