using System.Text.Json.Nodes;
using Fpn.IlGpu.Data;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Evaluation;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Cli;

/// <summary>
/// Detects in the ground truth's pictures. A picture that can't be read, or in which detection fails, is reported and left
/// out of the evaluation: its objects count neither as found nor as missed.
/// </summary>
internal sealed class EvalDetection(EvalSettings settings, Screen screen, CancellationToken stop)
{
    /// <summary>The pictures that were left out.</summary>
    public AnnotationProblems Problems { get; private set; } = new();

    /// <summary>The time spent in detecting, without decoding the pictures.</summary>
    public TimeSpan Time { get; private set; }

    /// <summary>Detects in all pictures.</summary>
    /// <returns>The truth without the pictures that were left out, and the results; nothing was found if it was stopped.</returns>
    /// <exception cref="CommandException">The model can't be evaluated on this ground truth, or no picture could be used.</exception>
    public (EvaluationTruth Truth, EvaluationResults Results) Run(EvaluationTruth truth)
    {
        var weights = ModelArgument.FileOf(settings.Model);
        using var device = Device.Open(settings.Device, new DeviceOptions { AllowAnyOpenCl = settings.AnyOpenCl });
        using var detector = Load(device, weights);
        var model = settings.Model is null ? "the shipped model" : $"model {settings.Model}";
        screen.WriteLine($"{device.Info.Name} ({device.Info.Id}), {model}");
        if (!settings.Proposals)
            Check(new CategoryMatch(detector.Classes, truth.Categories), detector);
        var options = new DetectorEvaluationOptions
        {
            KeepsMasks = settings.Kinds.Contains(EvaluationKind.Mask) || !settings.Proposals,
            Proposals = settings.FromProposals is { } file
                ? GivenProposals.Of(EvaluationResults.Read(file, truth).Objects, detector.Configuration.RpnPostNmsTopN)
                : null,
        };
        var line = new ProgressLine(screen, truth.Pictures.Count);
        var each = new EachPicture(screen, line);
        line.Start();
        try
        {
            var set = EvaluationSet.Of(truth, settings.Images!, settings.Exif);
            var evaluation = DetectorEvaluation.Run(detector, set, options, each, stop);
            (Problems, Time) = (evaluation.Problems, evaluation.DetectionTime);
            return (evaluation.Truth, evaluation.Results);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return (truth, truth.ToResults([]));
        }
        catch (AnnotationException) when (each.Errors == truth.Pictures.Count)
        {
            throw new CommandException($"None of the truth's pictures could be used; are they in '{settings.Images}'?");
        }
        finally
        {
            line.Finish();
        }
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

    private void Check(CategoryMatch match, Detector detector)
    {
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

    /// <summary>Shows how many pictures are done, and the errors of those that are left out.</summary>
    private sealed class EachPicture(Screen screen, ProgressLine line) : IProgress<EvaluationProgress>
    {
        public int Errors { get; private set; }

        public void Report(EvaluationProgress value)
        {
            if (value.Error is { } error)
            {
                Errors++;
                screen.Error(ErrorSentence.Of(error, value.Picture.Trim('\'')));
            }
            line.Step();
        }
    }
}
