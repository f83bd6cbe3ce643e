using Fpn.IlGpu.Data;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Evaluation;
using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Training;

/// <summary>Evaluates a detector with the weights that it has so far.</summary>
/// <param name="detector">The detector.</param>
/// <param name="set">The pictures.</param>
/// <param name="ahead">The number of pictures to read ahead of the detector.</param>
/// <param name="progress">Receives how many pictures are done.</param>
internal sealed class Validator(Detector detector, ValidationSet set, int ahead, IProgress<TrainerProgress>? progress)
{
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
        progress?.Report(new TrainerProgress(TrainerWork.Validating, 0, set.Truth.Pictures.Count));
        DetectorEvaluation evaluation;
        try
        {
            evaluation = DetectorEvaluation.Run(
                detector, set.Evaluated, new DetectorEvaluationOptions { Ahead = ahead, EndsAtDeviceErrors = true }, new Progress(progress), stop);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
        foreach (var (picture, error) in evaluation.LeftOut.Where(left => unreadable.Add(left.Picture.Id)))
            Problems.Add(AnnotationProblem.PictureBroken, error.Message.TrimEnd('.'), AnnotationPart.Pictures);
        return Figures(evaluation.Truth, evaluation.Results);
    }

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

    private sealed class Progress(IProgress<TrainerProgress>? progress) : IProgress<EvaluationProgress>
    {
        public void Report(EvaluationProgress value)
            => progress?.Report(new TrainerProgress(TrainerWork.Validating, value.Done, value.Total));
    }
}
