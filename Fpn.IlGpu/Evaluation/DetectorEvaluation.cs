using System.Diagnostics;
using Fpn.IlGpu.Data;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Evaluation;

/// <summary>How a detector is evaluated.</summary>
public sealed record DetectorEvaluationOptions
{
    /// <summary>The regions of each picture, for a Fast R-CNN, which finds none itself.</summary>
    public GivenProposals? Proposals { get; init; }

    /// <summary>Whether results keep their masks. Thousands of proposals with masks take much memory, and boxes need none.</summary>
    public bool KeepsMasks { get; init; } = true;

    /// <summary>The number of pictures to read ahead of the detector, from 0; they take at most 512 MiB.</summary>
    public int Ahead { get; init; } = 2;

    /// <summary>Whether an error of the device ends the evaluation, instead of leaving its picture out.</summary>
    internal bool EndsAtDeviceErrors { get; init; }
}

/// <summary>A picture of an evaluation is done.</summary>
/// <param name="Done">The number of pictures that are done.</param>
/// <param name="Total">The number of all pictures.</param>
/// <param name="Picture">The name of this picture.</param>
/// <param name="Error">Why it is left out; null if it is not.</param>
public readonly record struct EvaluationProgress(int Done, int Total, string Picture, Exception? Error);

/// <summary>
/// A detector, evaluated on annotated pictures:
/// <code>
/// var set = EvaluationSet.Of(CocoAnnotations.Read("val.json", "val"));
/// var evaluation = DetectorEvaluation.Run(detector, set);
/// foreach (var figure in evaluation.Boxes.Figures)
///     Console.WriteLine($"{figure.Name} {figure.Value:F3}");
/// </code>
/// A picture that can't be read, or in which detection fails, is left out (<see cref="Problems"/>): its objects count neither as found nor
/// as missed. Classes are matched by name; the RPN and the network that proposes masks know none, and are evaluated without.
/// </summary>
public sealed class DetectorEvaluation
{
    private DetectorEvaluation(EvaluationTruth truth, EvaluationResults results, AnnotationProblems problems)
        => (Truth, Results, Problems) = (truth, results, problems);

    /// <summary>The ground truth, without the pictures that were left out.</summary>
    public EvaluationTruth Truth { get; }

    /// <summary>What was found.</summary>
    public EvaluationResults Results { get; }

    /// <summary>The pictures that were left out.</summary>
    public AnnotationProblems Problems { get; }

    /// <summary>How the detector's classes match the truth's; null for a detector without classes.</summary>
    public CategoryMatch? Classes { get; private init; }

    /// <summary>The time spent in detecting, without reading the pictures.</summary>
    public TimeSpan DetectionTime { get; private init; }

    /// <summary>COCO's figures for the boxes.</summary>
    public CocoEvaluation Boxes => field ??= CocoEvaluation.Of(Truth, Results, EvaluationKind.Box);

    /// <summary>COCO's figures for the masks; they need masks in the truth, and a detector that finds some.</summary>
    public CocoEvaluation Masks => field ??= CocoEvaluation.Of(Truth, Results, EvaluationKind.Mask);

    /// <summary>The pictures that were left out, and why.</summary>
    internal IReadOnlyList<(EvaluatedPicture Picture, Exception Error)> LeftOut { get; private init; } = [];

    /// <summary>Detects in all pictures of a set, and prepares the figures.</summary>
    /// <param name="detector">The detector.</param>
    /// <param name="set">The pictures with their ground truth.</param>
    /// <param name="options">How; null for the defaults.</param>
    /// <param name="progress">Receives each picture when it is done, on the calling thread; null for nobody.</param>
    /// <param name="cancellation">Checked between two pictures.</param>
    /// <exception cref="ArgumentException">
    /// The detector is a Fast R-CNN without an RPN, and the options have no proposals, or it is another kind of detector, and they have some.
    /// </exception>
    /// <exception cref="AnnotationException">
    /// No class of the detector is in the truth, or they can't be told apart by name; or no picture could be used.
    /// </exception>
    /// <exception cref="OperationCanceledException">The evaluation was cancelled.</exception>
    public static DetectorEvaluation Run(
        Detector detector, EvaluationSet set, DetectorEvaluationOptions? options = null, IProgress<EvaluationProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(detector);
        ArgumentNullException.ThrowIfNull(set);
        options ??= new DetectorEvaluationOptions();
        CheckProposals(detector, options);
        var match = detector is ProposalNetwork or MaskProposalNetwork ? null : Match(detector, set.Truth);
        var pictures = set.Truth.Pictures;
        var found = new List<FoundObject>();
        var leftOut = new List<(EvaluatedPicture Picture, Exception Error)>();
        var problems = new AnnotationProblems();
        var clock = new Stopwatch();
        var done = 0;
        foreach (var (i, image, readError) in Prefetch.InOrder(Enumerable.Range(0, pictures.Count), Read, options.Ahead, cancellation))
        {
            var error = image is null ? readError : Detect(image, pictures[i].Id);
            if (error is not null)
            {
                leftOut.Add((pictures[i], error));
                var sentence = error is PictureException ? error.Message : $"{set.NameOf(i)}: {error.Message}";
                problems.Add(AnnotationProblem.PictureBroken, sentence.TrimEnd('.'), AnnotationPart.Pictures);
            }
            progress?.Report(new EvaluationProgress(++done, pictures.Count, set.NameOf(i), error));
        }
        cancellation.ThrowIfCancellationRequested();
        if (leftOut.Count == pictures.Count)
        {
            throw new AnnotationException(
                $"None of the {pictures.Count} pictures could be used{(leftOut.Count > 0 ? $": {leftOut[0].Error.Message}" : ".")}");
        }
        var truth = set.Truth.Without(leftOut.Select(left => left.Picture.Id).ToHashSet());
        return new DetectorEvaluation(truth, truth.ToResults(found), problems)
        {
            Classes = match,
            DetectionTime = clock.Elapsed,
            LeftOut = leftOut,
        };

        (int Index, RgbImage? Image, Exception? Error) Read(int i, Action<long> allocates)
        {
            try
            {
                return (i, set.Read(i, allocates), null);
            }
            catch (Exception e) when (e is PictureException or OutOfMemoryException)
            {
                return (i, null, e);
            }
        }

        Exception? Detect(RgbImage image, long id)
        {
            try
            {
                clock.Start();
                var objects = options.Proposals is { } proposals
                    ? ((FastRcnn)detector).Detect(image, proposals.OfPicture(id), CancellationToken.None)
                    : detector.Detect(image, CancellationToken.None);
                clock.Stop();
                foreach (var detected in objects)
                {
                    var result = match is null ? CategoryMatch.ToProposal(detected, id) : match.ToFound(detected, id);
                    if (result is not null)
                        found.Add(options.KeepsMasks ? result : result with { Mask = null });
                }
                return null;
            }
            catch (DeviceException e) when (!options.EndsAtDeviceErrors)
            {
                clock.Stop();
                return e;
            }
        }
    }

    private static void CheckProposals(Detector detector, DetectorEvaluationOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(options.Ahead, nameof(options));
        var mistake = options.Proposals is not null && detector is not FastRcnn
            ? "The detector finds objects in whole pictures, not in given regions; leave out the options' proposals."
            : options.Proposals is null && detector is FastRcnn and not FasterRcnn
            ? "The detector is a Fast R-CNN, which has no RPN; give it proposals in the options."
            : null;
        if (mistake is not null)
            throw new ArgumentException(mistake, nameof(options));
    }

    private static CategoryMatch Match(Detector detector, EvaluationTruth truth)
    {
        var match = new CategoryMatch(detector.Classes, truth.Categories);
        if (match.Ambiguous.Count > 0)
            throw new AnnotationException($"The detector's classes can't be told apart by their names: {string.Join("; ", match.Ambiguous)}.");
        return match.Count > 0 || truth.Categories.Count == 0
            ? match
            : throw new AnnotationException(
                $"The detector and the truth have no class in common: the detector finds {string.Join(", ", match.NotInTruth)}; "
                + $"the truth has {string.Join(", ", match.NotInModel)}.");
    }
}
