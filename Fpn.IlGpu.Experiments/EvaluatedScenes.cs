using Fpn.IlGpu.Data;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Evaluation;
using Fpn.IlGpu.Experiments.Scenes;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Training;

namespace Fpn.IlGpu.Experiments;

/// <summary>Scenes with their ground truth, to evaluate detectors on.</summary>
internal sealed class EvaluatedScenes
{
    /// <summary>The seed of the first scene that is held back from training.</summary>
    public const int FirstHeldSeed = 500_000;

    private readonly IPictureSource source;

    /// <summary>Uses all scenes of a description.</summary>
    public EvaluatedScenes(ShapesData shapes)
    {
        var scenes = SceneTraining.ScenesOf(shapes);
        source = scenes.Source;
        Truth = EvaluationTruth.Of(source, [.. scenes.Classes.Select((name, i) => new AnnotatedCategory(i + 1, name))]);
    }

    /// <summary>The ground truth.</summary>
    public EvaluationTruth Truth { get; }

    /// <summary>Runs a detector on all scenes.</summary>
    /// <param name="detector">A detector of the scenes' classes.</param>
    /// <param name="proposals">Returns the proposals for a scene's id, for Fast R-CNN; null for other detectors.</param>
    /// <param name="stop">Cancels between two scenes.</param>
    public EvaluationResults Detect(Detector detector, Func<long, IReadOnlyList<Box>>? proposals, CancellationToken stop)
    {
        var match = new CategoryMatch(detector.Classes, Truth.Categories);
        return Of((picture, id) => proposals is null
            ? detector.Detect(picture, stop)
            : ((FastRcnn)detector).Detect(picture, proposals(id), stop), (found, id) => match.ToFound(found, id));
    }

    /// <summary>Runs a detector that finds proposals on all scenes.</summary>
    /// <param name="detector">An RPN, or a network that proposes masks.</param>
    /// <param name="stop">Cancels between two scenes.</param>
    public EvaluationResults Propose(Detector detector, CancellationToken stop)
        => Of((picture, _) => detector.Detect(picture, stop), (found, id) => CategoryMatch.ToProposal(found, id));

    private EvaluationResults Of(
        Func<RgbImage, long, IReadOnlyList<DetectedObject>> detect, Func<DetectedObject, long, FoundObject?> toFound)
    {
        var found = new List<FoundObject>();
        for (var i = 0; i < Truth.Pictures.Count; i++)
        {
            var id = Truth.Pictures[i].Id;
            foreach (var detected in detect(source.Read(i, epoch: 0).Image, id))
            {
                if (toFound(detected, id) is { } result)
                    found.Add(result);
            }
        }
        return new EvaluationResults(found);
    }
}
