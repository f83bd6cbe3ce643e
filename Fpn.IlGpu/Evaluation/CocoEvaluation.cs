using System.Globalization;
using Fpn.IlGpu.Data;

namespace Fpn.IlGpu.Evaluation;

/// <summary>One of COCO's figures.</summary>
/// <param name="Name">AP, AP50, … as in COCO's papers; for proposals for instance AR@100 small.</param>
/// <param name="Value">0…1; −1 if there are no objects of that size.</param>
public readonly record struct EvaluationFigure(string Name, double Value);

/// <summary>
/// Evaluates results in COCO's figures, exactly as COCO's own code (pycocotools' COCOeval) computes them.
/// <code>
/// AP = mean of precision[t, r, k] over IoU 0.50…0.95, recalls 0…1 and classes
/// AR = mean of recall[t, k] over IoU 0.50…0.95 and classes
/// </code>
/// A crowd is never a miss, and finding one is never wrong; a result's overlap with a crowd is the share of the result inside
/// it. For AP by size, objects of other sizes are ignored as well.
/// </summary>
public sealed class CocoEvaluation
{
    private const int At100 = 2;

    private readonly PrecisionRecall detections;
    private readonly PrecisionRecall proposals;

    private CocoEvaluation(
        EvaluationKind kind, IReadOnlyList<AnnotatedCategory> categories, PrecisionRecall detections, PrecisionRecall proposals)
    {
        Kind = kind;
        Categories = categories;
        this.detections = detections;
        this.proposals = proposals;
    }

    /// <summary>What was compared.</summary>
    public EvaluationKind Kind { get; }

    /// <summary>The classes, in order of their ids.</summary>
    public IReadOnlyList<AnnotatedCategory> Categories { get; }

    /// <summary>
    /// COCO's 12 figures: AP, AP50, AP75 (at those IoUs), APs, APm, APl (by size), AR1, AR10, AR100 (for the top 1, 10, 100 of
    /// each class in a picture), ARs, ARm, ARl.
    /// </summary>
    public IReadOnlyList<EvaluationFigure> Figures => [
        new("AP", AveragePrecision(null, 0)),
        new("AP50", AveragePrecision(.5, 0)),
        new("AP75", AveragePrecision(.75, 0)),
        new("APs", AveragePrecision(null, 1)),
        new("APm", AveragePrecision(null, 2)),
        new("APl", AveragePrecision(null, 3)),
        new("AR1", AverageRecall(detections, 0, 0)),
        new("AR10", AverageRecall(detections, 0, 1)),
        new("AR100", AverageRecall(detections, 0, At100)),
        new("ARs", AverageRecall(detections, 1, At100)),
        new("ARm", AverageRecall(detections, 2, At100)),
        new("ARl", AverageRecall(detections, 3, At100)),
    ];

    /// <summary>
    /// The average recall of a picture's top 10, 100, 1000, regardless of class: <c>AR@10 all</c>, <c>AR@10 small</c>, …
    /// </summary>
    public IReadOnlyList<EvaluationFigure> ProposalFigures
        => [.. CocoProtocol.MostProposals.Index().SelectMany(m => CocoProtocol.Areas.Index().Select(a => new EvaluationFigure(
            string.Create(CultureInfo.InvariantCulture, $"AR@{m.Item} {a.Item.Name}"), AverageRecall(proposals, a.Index, m.Index))))];

    /// <summary>AP of each class; −1 for a class without objects. Classes of one name have their ids after it.</summary>
    public IReadOnlyList<EvaluationFigure> ClassFigures => ClassFiguresAt(null);

    /// <summary>AP50 of each class, as <see cref="ClassFigures"/> has AP.</summary>
    public IReadOnlyList<EvaluationFigure> ClassFigures50 => ClassFiguresAt(.5);

    /// <summary>Compares results with the ground truth.</summary>
    /// <param name="truth">The ground truth.</param>
    /// <param name="results">The results; each must be in a picture of the ground truth.</param>
    /// <param name="kind">What to compare; masks only if both were read with masks.</param>
    public static CocoEvaluation Of(EvaluationTruth truth, EvaluationResults results, EvaluationKind kind = EvaluationKind.Box)
    {
        ArgumentNullException.ThrowIfNull(truth);
        ArgumentNullException.ThrowIfNull(results);
        AnnotatedCategory[] categories = [.. truth.Categories.OrderBy(category => category.Id).DistinctBy(category => category.Id)];
        var byClass = PictureGroup.ByClass(truth, results, kind, CocoProtocol.MostDetections[^1]);
        PictureGroup[][] together = [PictureGroup.OfAllClasses(truth, results, kind, CocoProtocol.MostProposals[^1])];
        return new CocoEvaluation(
            kind, categories, PrecisionRecall.Of(byClass, CocoProtocol.MostDetections),
            PrecisionRecall.Of(together, CocoProtocol.MostProposals));
    }

    /// <summary>
    /// The precision at recalls 0, 0.01, … 1, for the top 100 of each class in a picture: of one class, or the mean of the
    /// classes that have objects. Null if none has.
    /// </summary>
    /// <param name="iou">One of 0.50, 0.55, … 0.95.</param>
    /// <param name="classIndex">An index into <see cref="Categories"/>; null for the mean of all.</param>
    /// <exception cref="ArgumentOutOfRangeException">The IoU is none of these.</exception>
    public IReadOnlyList<double>? PrecisionCurve(double iou, int? classIndex = null)
    {
        var t = ThresholdAt(iou);
        var curve = new double[CocoProtocol.Recalls.Length];
        var curves = 0;
        for (var k = classIndex ?? 0; k < (classIndex + 1 ?? Categories.Count); k++)
        {
            var one = detections.Precision(t, k, 0, At100);
            if (one[0] >= 0)
            {
                curves++;
                for (var r = 0; r < curve.Length; r++)
                    curve[r] += one[r];
            }
        }
        return curves == 0 ? null : Array.ConvertAll(curve, sum => sum / curves);
    }

    private EvaluationFigure[] ClassFiguresAt(double? iou)
        => [.. Categories.Select((category, k) => new EvaluationFigure(UniqueName(category), AveragePrecision(iou, 0, k)))];

    private string UniqueName(AnnotatedCategory category) => Categories.Count(other => other.Name == category.Name) == 1
        ? category.Name
        : string.Create(CultureInfo.InvariantCulture, $"{category.Name} ({category.Id})");

    private static int ThresholdAt(double iou)
    {
        var t = Array.FindIndex(CocoProtocol.IouThresholds, threshold => Math.Abs(threshold - iou) < 1e-6);
        return t >= 0 ? t : throw new ArgumentOutOfRangeException(nameof(iou), iou, "Precision is computed at IoU 0.50, 0.55, … 0.95.");
    }

    private double AveragePrecision(double? iou, int area, int? classIndex = null)
    {
        var mean = default(Mean);
        for (var t = 0; t < CocoProtocol.IouThresholds.Length; t++)
        {
            for (var k = 0; k < Categories.Count; k++)
            {
                if ((iou is null || t == ThresholdAt(iou.Value)) && k == (classIndex ?? k))
                {
                    foreach (var precision in detections.Precision(t, k, area, At100))
                        mean.Add(precision);
                }
            }
        }
        return mean.Value;
    }

    private static double AverageRecall(PrecisionRecall of, int area, int m)
    {
        var mean = default(Mean);
        for (var t = 0; t < CocoProtocol.IouThresholds.Length; t++)
        {
            for (var k = 0; k < of.Classes; k++)
                mean.Add(of.Recall(t, k, area, m));
        }
        return mean.Value;
    }

    // The mean of the values that exist: −1 means that a value doesn't.
    private struct Mean
    {
        private double sum;
        private int count;

        public readonly double Value => count == 0 ? -1 : sum / count;

        public void Add(double value)
        {
            if (value >= 0)
            {
                sum += value;
                count++;
            }
        }
    }
}
