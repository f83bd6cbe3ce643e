using Fpn.IlGpu.Data;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Evaluation;
using Fpn.IlGpu.Experiments.Scenes;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Experiments;

/// <summary>Scenes with what is to be found in them, and what a detector finds.</summary>
internal sealed class EvaluatedScenes
{
    /// <summary>The seed of the first scene that is held back from training.</summary>
    public const int FirstHeldSeed = 500_000;

    private readonly IPictureSource source;

    /// <summary>Takes the first scenes of a source.</summary>
    public EvaluatedScenes(IPictureSource source, int count)
    {
        this.source = source;
        AnnotatedPicture[] pictures = [.. Enumerable.Range(0, count).AsParallel().AsOrdered().Select(i =>
        {
            var scene = source.Read(i, epoch: 0);
            return new AnnotatedPicture(source.IdOf(i), "", scene.Image.Width, scene.Image.Height, scene.Objects);
        })];
        Truth = EvaluationTruth.Of(new AnnotatedSet(pictures, SyntheticShapes.Categories));
    }

    /// <summary>What is to be found.</summary>
    public EvaluationTruth Truth { get; }

    /// <summary>What a detector finds in them.</summary>
    /// <param name="detector">One that has classes.</param>
    /// <param name="proposals">The regions to look at, for one that finds none itself; null for one that does.</param>
    /// <param name="stop">Ends it between two scenes.</param>
    public EvaluationResults Detect(Detector detector, Func<long, IReadOnlyList<Box>>? proposals, CancellationToken stop)
    {
        var match = new CategoryMatch(detector.Classes, Truth.Categories);
        return Of((picture, id) => proposals is null
            ? detector.Detect(picture, stop)
            : ((FastRcnn)detector).Detect(picture, proposals(id), stop), (found, id) => match.ToFound(found, id));
    }

    /// <summary>What an RPN proposes in them.</summary>
    /// <param name="detector">The RPN.</param>
    /// <param name="stop">Ends it between two scenes.</param>
    public EvaluationResults Propose(ProposalNetwork detector, CancellationToken stop)
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
