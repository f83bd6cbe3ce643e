using System.CommandLine;
using System.CommandLine.Parsing;

using Fpn.IlGpu.Evaluation;

namespace Fpn.IlGpu.Cli;

/// <summary>The command line of <c>fpn eval</c>: its options, what may be given for them, and its help.</summary>
internal static class EvalCommand
{
    private const string Examples = """
        Examples:
          fpn eval --truth instances_val2017.json --results found.json
              COCO's 12 figures for the boxes in a file of results.
          fpn eval --truth instances_val2017.json --images val2017 \
                   --model fasterrcnn_resnet50_fpn_v2 --save-results found.json
              The same for a model: it detects first, which takes a while.
          fpn eval --truth truth.json --results found.json --kind segm --json -
              Masks, as JSON on standard output.
          fpn eval --truth truth.json --images pictures --proposals
              How many objects are among the RPN's 10, 100, 1000 best boxes.
          fpn eval --truth truth.json --results found.json --curves curves.png \
                   --images pictures --worst worst --worst-count 50
              The precision-recall curves, and what went wrong, as pictures.

        Exit codes:
          0    all done
          1    something failed; pictures that could not be read are left out
          2    wrong usage
          130  stopped by Ctrl-C
        """;

    private static readonly Dictionary<string, EvaluationKind[]> Kinds = new(StringComparer.OrdinalIgnoreCase)
    {
        ["bbox"] = [EvaluationKind.Box],
        ["segm"] = [EvaluationKind.Mask],
        ["both"] = [EvaluationKind.Box, EvaluationKind.Mask],
    };

    public static Command Create()
    {
        var truth = new Option<string>("--truth", "-t")
        {
            Description = "What is to be found: a JSON file of COCO's instances.",
            HelpName = "FILE",
            Required = true,
        };
        var results = new Option<string?>("--results", "-r")
        {
            Description = "What was found: a JSON file of COCO's results. Otherwise a model detects in --images.",
            HelpName = "FILE",
        };
        var model = new Option<string?>("--model", "-m")
        {
            Description = "The weights of the model that detects, as for 'fpn detect'. Default: the model that ships with fpn.",
            HelpName = "FILE|NAME",
        };
        var configuration = ConfigurationOption.Create();
        var images = new Option<string?>("--images", "-i") { Description = "The folder of the truth's pictures.", HelpName = "DIR" };
        var device = DeviceOption.Create();
        var anyOpenCl = DeviceOption.CreateAnyOpenCl();
        var kind = new Option<string>("--kind", "-k")
        {
            Description = "What is compared: bbox, segm (masks), or both.",
            HelpName = "KIND",
            DefaultValueFactory = _ => "bbox",
            CustomParser = ParseKind,
        };
        var proposals = new Option<bool>("--proposals", "-p")
        {
            Description = "Recall of the 10, 100, 1000 best of a picture, whatever their classes; of a model, its proposals.",
        };
        var fromProposals = new Option<string?>("--from-proposals")
        {
            Description = "The regions that the model is to look at, as 'fpn proposals' writes them: Fast R-CNN finds none itself.",
            HelpName = "FILE",
        };
        var json = new Option<string?>("--json", "-j")
        {
            Description = "Write the figures as JSON; '-' is standard output, in place of the table.",
            HelpName = "FILE",
        };
        var saveResults = new Option<string?>("--save-results")
        {
            Description = "Write what the model found as a file of COCO's results.",
            HelpName = "FILE",
        };
        var curves = new Option<string?>("--curves")
        {
            Description = "Draw the precision-recall curves (.png or .jpg).",
            HelpName = "FILE",
        };
        var worst = new Option<string?>("--worst")
        {
            Description = "Draw the pictures in which most went wrong: missed on the left, wrong on the right. Needs --images.",
            HelpName = "DIR",
        };
        var worstCount = WholeNumberOption.Create("--worst-count", "N", 20, 1, int.MaxValue, "How many of them.");

        var command = new Command("eval", "Holds detections to the truth: COCO's figures, for boxes, masks and proposals.")
        {
            truth, results, model, configuration, images, device, anyOpenCl, kind, proposals, fromProposals, json, saveResults, curves,
            worst, worstCount,
        };
        command.Validators.Add(parsed =>
        {
            var detects = parsed.GetResult(results) is null;
            var mistake = detects && parsed.GetResult(images) is null
                ? "Nothing says what was found: give --results FILE, or --images DIR with the pictures in which a model detects"
                : !detects && parsed.GetResult(model) is not null ? "--results and --model exclude each other"
                : !detects && parsed.GetResult(saveResults) is not null
                ? "--save-results is for what a model finds; --results are saved already"
                : parsed.GetResult(fromProposals) is not null && (!detects || parsed.GetValue(proposals))
                ? "--from-proposals is for a model that detects; neither --results nor --proposals go with it"
                : parsed.GetResult(worst) is not null && parsed.GetResult(images) is null
                ? "--worst needs --images DIR: the pictures to draw on"
                : parsed.GetResult(worst) is null && parsed.GetResult(worstCount) is { Implicit: false }
                ? "--worst-count needs --worst DIR"
                : null;
            if (mistake is not null)
                parsed.AddError(mistake);
        });
        HelpWithExamples.AddTo(command, Examples);
        command.SetAction(parsed => Evaluate(new EvalSettings
        {
            Truth = parsed.GetRequiredValue(truth),
            Results = parsed.GetValue(results),
            Model = parsed.GetValue(model),
            Configuration = ConfigurationOption.ToJson(parsed.GetValue(configuration)),
            Images = parsed.GetValue(images),
            Device = parsed.GetRequiredValue(device),
            AnyOpenCl = parsed.GetValue(anyOpenCl),
            Kinds = Kinds[parsed.GetRequiredValue(kind)],
            Proposals = parsed.GetValue(proposals),
            FromProposals = parsed.GetValue(fromProposals),
            Json = parsed.GetValue(json),
            SaveResults = parsed.GetValue(saveResults),
            Curves = parsed.GetValue(curves),
            Worst = parsed.GetValue(worst),
            WorstCount = (int)parsed.GetValue(worstCount),
        }));
        return command;
    }

    private static int Evaluate(EvalSettings settings)
    {
        var screen = new Screen(quiet: settings.Json == JsonLines.StandardOutput);
        using var interruption = new Interruption(screen, "Stopping after the current picture; Ctrl-C again stops at once.");
        return new EvalRun(settings, screen, interruption.Token).Execute();
    }

    private static string ParseKind(ArgumentResult result)
    {
        var value = result.Tokens[0].Value;
        if (!Kinds.ContainsKey(value))
            result.AddError($"--kind is '{value}'; it can be bbox, segm or both");
        return value;
    }
}
