using Fpn.IlGpu.Data;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Evaluation;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Training;

/// <summary>Evaluates a detector with the weights that it has so far.</summary>
/// <param name="detector">The detector.</param>
/// <param name="set">The pictures.</param>
/// <param name="ahead">The number of pictures to read ahead of the detector.</param>
/// <param name="progress">Receives how many pictures are done.</param>
internal sealed class Validator(Detector detector, ValidationSet set, int ahead, IProgress<TrainerProgress>? progress)
{
    private readonly CategoryMatch match = new(detector.Classes, set.Truth.Categories);
    private readonly HashSet<long> unreadable = [];

    /// <summary>The pictures that could not be decoded, each once.</summary>
    public AnnotationProblems Problems { get; } = new();

    /// <summary>The names of the figures of a detector.</summary>
    public static IReadOnlyList<string> FiguresOf(Detector detector) => detector switch
    {
        ProposalNetwork or MaskProposalNetwork => ["AR@1000", "AR@100"],
        MaskRcnn => ["AP", "AP50", "mask AP", "mask AP50"],
        _ => ["AP", "AP50"],
    };

    /// <summary>Detects in all pictures and computes the figures.</summary>
    /// <param name="stop">Stops between two pictures.</param>
    /// <returns>The figures; null if it was stopped.</returns>
    /// <exception cref="AnnotationException">No picture can be decoded.</exception>
    /// <exception cref="DeviceException">The device is out of memory or failed.</exception>
    public IReadOnlyList<EvaluationFigure>? Run(CancellationToken stop)
    {
        var found = new List<FoundObject>();
        var pictures = set.Truth.Pictures;
        var reading = new Queue<Task<RgbImage?>>();
        for (var (begun, done) = (0, 0); done < pictures.Count; done++)
        {
            for (; begun < pictures.Count && begun <= done + ahead; begun++)
                reading.Enqueue(Read(begun));
            progress?.Report(new TrainerProgress(TrainerWork.Validating, done, pictures.Count));
            if (stop.IsCancellationRequested)
                return null;
            if (reading.Dequeue().GetAwaiter().GetResult() is { } image)
                found.AddRange(detector.Detect(image, CancellationToken.None).Select(o => ToFound(o, pictures[done].Id)).OfType<FoundObject>());
        }
        var truth = set.Truth.Without(unreadable);
        if (truth.Pictures.Count == 0)
            throw new AnnotationException($"None of the {pictures.Count} validation pictures can be decoded: correct 'validation'.");
        return Figures(truth, truth.ToResults(found));
    }

    private FoundObject? ToFound(DetectedObject detected, long picture) => detector is ProposalNetwork or MaskProposalNetwork
        ? CategoryMatch.ToProposal(detected, picture)
        : match.ToFound(detected, picture);

    private EvaluationFigure[] Figures(EvaluationTruth truth, EvaluationResults results)
    {
        var names = FiguresOf(detector);
        CocoEvaluation Of(EvaluationKind kind) => CocoEvaluation.Of(truth, results, kind);
        var values = detector switch
        {
            ProposalNetwork => Recalls(Of(EvaluationKind.Box)),
            MaskProposalNetwork => Recalls(Of(EvaluationKind.Mask)),
            MaskRcnn => [.. Precisions(Of(EvaluationKind.Box)), .. Precisions(Of(EvaluationKind.Mask))],
            _ => Precisions(Of(EvaluationKind.Box)),
        };
        return [.. names.Zip(values, (name, value) => new EvaluationFigure(name, value))];
    }

    private static double[] Precisions(CocoEvaluation evaluation) => [evaluation.Figures[0].Value, evaluation.Figures[1].Value];

    private static double[] Recalls(CocoEvaluation evaluation)
    {
        var figures = evaluation.ProposalFigures.ToDictionary(figure => figure.Name, figure => figure.Value);
        return [figures["AR@1000 all"], figures["AR@100 all"]];
    }

    private Task<RgbImage?> Read(int index) => Task.Run(() =>
    {
        try
        {
            return set.Read(index);
        }
        catch (PictureException e)
        {
            lock (unreadable)
            {
                if (unreadable.Add(set.Truth.Pictures[index].Id))
                    Problems.Add(AnnotationProblem.PictureBroken, e.Message.TrimEnd('.'), AnnotationPart.Pictures);
            }
            return null;
        }
    });
}
