using System.Diagnostics;
using System.Text.Json.Nodes;
using Fpn.IlGpu.Data;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Evaluation;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Cli;

/// <summary>
/// Detects in the ground truth's pictures. A picture that can't be read, or in which detection fails, is reported and left
/// out of the evaluation: its objects count neither as found nor as missed.
/// </summary>
internal sealed class EvalDetection(EvalSettings settings, Screen screen, CancellationToken stop)
{
    private const int DecodedAhead = 2;

    /// <summary>The pictures that were left out.</summary>
    public AnnotationProblems Problems { get; } = new();

    /// <summary>The time spent in detecting, without decoding the pictures.</summary>
    public TimeSpan Time { get; private set; }

    private sealed record Item(EvaluatedPicture Picture, string Path)
    {
        public RgbImage? Image { get; init; }
        public Exception? Error { get; init; }
    }

    /// <summary>Detects in all pictures.</summary>
    /// <returns>The truth without the pictures that were left out, and the results.</returns>
    /// <exception cref="CommandException">The model can't be evaluated on this ground truth, or no picture could be used.</exception>
    public (EvaluationTruth Truth, EvaluationResults Results) Run(EvaluationTruth truth)
    {
        var weights = ModelArgument.FileOf(settings.Model);
        using var device = Device.Open(settings.Device, new DeviceOptions { AllowAnyOpenCl = settings.AnyOpenCl });
        using var detector = Load(device, weights);
        var model = settings.Model is null ? "the shipped model" : $"model {settings.Model}";
        screen.WriteLine($"{device.Info.Name} ({device.Info.Id}), {model}");
        var match = settings.Proposals ? null : Match(detector, truth);
        var given = settings.FromProposals is { } file
            ? GivenProposals.Of(EvaluationResults.Read(file, truth).Objects, detector.Configuration.RpnPostNmsTopN)
            : null;

        var found = new List<FoundObject>();
        var left = new HashSet<long>();
        var progress = new ProgressLine(screen, truth.Pictures.Count);
        progress.Start();
        try
        {
            foreach (var item in Prefetch.InOrder(truth.Pictures, Decode, DecodedAhead, stop))
            {
                if (Detect(detector, item, match, given, found) is { } error)
                {
                    var sentence = ErrorSentence.Of(error, item.Path);
                    Problems.Add(AnnotationProblem.PictureBroken, sentence.TrimEnd('.'), AnnotationPart.Pictures);
                    left.Add(item.Picture.Id);
                    screen.Error(sentence);
                }
                progress.Step();
            }
        }
        finally
        {
            progress.Finish();
        }
        if (left.Count == truth.Pictures.Count)
            throw new CommandException($"None of the truth's pictures could be used; are they in '{settings.Images}'?");
        return (truth.Without(left), truth.ToResults(found));
    }

    private Detector Load(Device device, string? weights)
    {
        if (!settings.Proposals)
        {
            var detector = Detector.Load(device, weights, settings.Configuration);
            if (detector is ProposalNetwork or MaskProposalNetwork)
            {
                detector.Dispose();
                throw new CommandException("The model is a proposal network, which knows no classes; evaluate it with --proposals.");
            }
            var mistake = settings.FromProposals is not null && detector is not FastRcnn
                ? "The model detects in whole pictures, not in given regions; it can't be evaluated with --from-proposals."
                : settings.FromProposals is null && detector is FastRcnn and not FasterRcnn
                ? "The model is a Fast R-CNN, which has no RPN; give it proposals with --from-proposals."
                : null;
            if (mistake is not null)
            {
                detector.Dispose();
                throw new CommandException(mistake);
            }
            if (detector is not MaskRcnn && settings.Kinds.Contains(EvaluationKind.Mask))
            {
                detector.Dispose();
                throw new CommandException("The model finds no masks; evaluate its boxes with --kind bbox.");
            }
            return detector;
        }
        if (ProposesMasks(weights))
            return Detector.Load(device, weights, settings.Configuration);
        if (settings.Kinds.Contains(EvaluationKind.Mask))
        {
            throw new CommandException(
                $"The model proposes boxes, which have no masks; only a model of the kind {DetectorKind.MaskProposals} proposes masks.");
        }
        // A two-stage detector contains a proposal network; only that part is loaded.
        var overrides = settings.Configuration is null ? [] : JsonNode.Parse(settings.Configuration)!.AsObject();
        overrides["detector"] = DetectorKind.ProposalNetwork;
        return Detector.Load(device, weights, overrides.ToJsonString());
    }

    private bool ProposesMasks(string? weights)
    {
        if (weights is null)
            return false;
        using var state = Checkpoint.Open(weights, settings.Configuration);
        return ModelConfiguration.Of(state).Detector == DetectorKind.MaskProposals;
    }

    private CategoryMatch Match(Detector detector, EvaluationTruth truth)
    {
        var match = new CategoryMatch(detector.Classes, truth.Categories);
        if (match.Ambiguous.Count > 0)
        {
            throw new CommandException(
                $"The model's classes can't be told apart by their names: {string.Join("; ", match.Ambiguous)}. "
                + "Give each category of the truth a name of its own, spelt as in the model.");
        }
        if (match.Count == 0)
        {
            throw new CommandException(
                $"The model and the truth have no class in common: the model finds {Names(match.NotInTruth)}; "
                + $"the truth has {Names(match.NotInModel)}. {Remedy(detector)}.");
        }
        if (match.NotInModel.Count > 0)
        {
            // Where the model has no class to spare, no other name would help.
            var remedy = match.NotInTruth.Count > 0 ? $" {Remedy(detector)}." : "";
            screen.Error($"The model doesn't know {Names(match.NotInModel)}; those objects count as missed.{remedy}");
        }
        if (match.NotInTruth.Count > 0)
            screen.Error($"The truth has no class {Names(match.NotInTruth)}; such detections are left out.");
        return match;
    }

    private static string Remedy(Detector detector)
    {
        var example = string.Join(", ", detector.Classes.Take(2).Select(name => $"\"{name}\"").Append("…"));
        return "If they are the same classes by other names, rename the truth's categories, or give all of the model's classes the truth's "
            + $"names, in the model's order, with --set 'classes=[{example}]'";
    }

    private static string Names(IReadOnlyList<string> names)
    {
        const int most = 5;
        var rest = names.Count > most ? $" and {names.Count - most} more" : "";
        return $"{string.Join(", ", names.Take(most).Select(name => $"'{name}'"))}{rest}";
    }

    private Item Decode(EvaluatedPicture picture, Action<long> allocates)
    {
        var path = Path.Join(settings.Images, picture.FileName);
        try
        {
            var limits = AnnouncedLimits.Of(new PictureLimits(), allocates);
            return new Item(picture, path) { Image = PictureReader.Read(path, limits, settings.Exif) };
        }
        catch (Exception exception)
        {
            return new Item(picture, path) { Error = exception };
        }
    }

    private Exception? Detect(Detector detector, Item item, CategoryMatch? match, GivenProposals? given, List<FoundObject> found)
    {
        if (item.Image is null)
            return item.Error;
        try
        {
            var clock = Stopwatch.StartNew();
            var detections = given is null
                ? detector.Detect(item.Image, CancellationToken.None)
                : ((FastRcnn)detector).Detect(item.Image, given.OfPicture(item.Picture.Id), CancellationToken.None);
            Time += clock.Elapsed;
            foreach (var detected in detections)
            {
                var result = match is null
                    ? CategoryMatch.ToProposal(detected, item.Picture.Id)
                    : match.ToFound(detected, item.Picture.Id);
                if (result is not null)
                    found.Add(settings.Kinds.Contains(EvaluationKind.Mask) || match is not null ? result : result with { Mask = null });
            }
            return null;
        }
        catch (DeviceException exception)
        {
            return exception;
        }
    }
}
