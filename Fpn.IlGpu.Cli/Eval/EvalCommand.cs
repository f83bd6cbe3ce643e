using System.CommandLine;
using System.CommandLine.Parsing;

using Fpn.IlGpu.Evaluation;

namespace Fpn.IlGpu.Cli;

/// <summary>The command line of <c>fpn eval</c>: its options, their checks, and its help.</summary>
internal static class EvalCommand
{
    private const string Examples = """
        Examples:
          fpn eval --truth instances_val2017.json --results found.json
              COCO's 12 figures for the boxes in a results file.
          fpn eval --truth instances_val2017.json --images val2017 \
                   --model fasterrcnn_resnet50_fpn_v2 --save-results found.json
              The same for a model, which detects in the pictures first.
          fpn eval --truth VOC2012 --split val --model run/model.safetensors
              The same on the pictures of a VOC folder that a list names.
          fpn eval --truth truth.json --results found.json --kind segm --json -
              The figures for masks, as JSON on standard output.
          fpn eval --truth truth.json --images pictures --proposals
              The recall of the RPN's 10, 100 and 1000 best boxes per picture.
          fpn eval --truth truth.json --results found.json --curves curves.png \
                   --images pictures --worst worst --worst-count 50
              Also draws precision-recall curves and the 50 pictures with most errors.

        Exit codes:
          0    all done
          1    something failed, or pictures that could not be read are left out
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
            Description = "The ground truth: a JSON file in COCO's instances format, or a folder in the layout of Pascal VOC.",
            HelpName = "FILE|DIR",
            Required = true,
        };
        var split = new Option<string?>("--split", "-s")
        {
            Description = "For a VOC folder: the name of the list of pictures, such as val. Default: all pictures with annotations.",
            HelpName = "LIST",
        };
        var results = new Option<string?>("--results", "-r")
        {
            Description = "The detections: a JSON file in COCO's results format. Without it, a model detects in --images.",
            HelpName = "FILE",
        };
        var model = new Option<string?>("--model", "-m")
        {
            Description = "The model to evaluate, as for 'fpn detect'. Default: the shipped model.",
            HelpName = "FILE|NAME",
        };
        var configuration = ConfigurationOption.Create();
        var images = new Option<string?>("--images", "-i") { Description = "The folder of the ground truth's pictures; a VOC folder has its own.", HelpName = "DIR" };
        var device = DeviceOption.Create();
        var anyOpenCl = DeviceOption.CreateAnyOpenCl();
        var kind = new Option<string>("--kind", "-k")
        {
            Description = "What to compare: bbox, segm (masks), or both.",
            HelpName = "KIND",
            DefaultValueFactory = _ => "bbox",
            CustomParser = ParseKind,
        };
        var proposals = new Option<bool>("--proposals", "-p")
        {
            Description = "Evaluate the recall of the 10, 100 and 1000 best per picture, ignoring classes; for a model, of its proposals.",
        };
        var fromProposals = new Option<string?>("--from-proposals")
        {
            Description = "Proposals for a Fast R-CNN, which has no RPN; a file from 'fpn proposals'.",
            HelpName = "FILE",
        };
        var json = new Option<string?>("--json", "-j")
        {
            Description = "Write the figures as JSON; '-' writes them to standard output, instead of the table.",
            HelpName = "FILE",
        };
        var saveResults = new Option<string?>("--save-results")
        {
            Description = "Write the model's detections in COCO's results format.",
            HelpName = "FILE",
        };
        var curves = new Option<string?>("--curves")
        {
            Description = "Draw the precision-recall curves (.png or .jpg).",
            HelpName = "FILE",
        };
        var worst = new Option<string?>("--worst")
        {
            Description = "Draw the pictures with the most errors: missed objects on the left, wrong ones on the right. Needs --images.",
            HelpName = "DIR",
        };
        var worstCount = WholeNumberOption.Create("--worst-count", "N", 20, 1, int.MaxValue, "Number of pictures for --worst.");
        var exif = ExifOption.Create();
        var problems = ProblemOptions.CreateFile();
        var allowProblems = ProblemOptions.CreateAllow();

        var command = new Command("eval", "Evaluates boxes, masks and proposals with COCO's figures.")
        {
            truth, split, results, model, configuration, images, device, anyOpenCl, kind, proposals, fromProposals, json, saveResults, curves,
            worst, worstCount, exif, problems, allowProblems,
        };
        command.Validators.Add(parsed =>
        {
            var detects = parsed.GetResult(results) is null;
            var isVoc = parsed.GetResult(truth) is { Tokens: [var path, ..] } && Directory.Exists(path.Value);
            var hasPictures = isVoc || parsed.GetResult(images) is not null;
            var mistake = parsed.GetResult(split) is not null && !isVoc
                ? "--split names a list of a VOC folder, but --truth is no folder"
                : detects && !hasPictures
                ? "There is nothing to evaluate: give --results FILE, or --images DIR for a model to detect in"
                : !detects && parsed.GetResult(model) is not null ? "--results and --model can't be combined"
                : !detects && parsed.GetResult(saveResults) is not null
                ? "--save-results saves a model's detections; with --results there is no model"
                : parsed.GetResult(fromProposals) is not null && (!detects || parsed.GetValue(proposals))
                ? "--from-proposals is for a model that detects; neither --results nor --proposals can be combined with it"
                : parsed.GetResult(worst) is not null && !hasPictures
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
            Split = parsed.GetValue(split),
            Results = parsed.GetValue(results),
            Model = parsed.GetValue(model),
            Configuration = ConfigurationOption.ToJson(parsed.GetValue(configuration)),
            Images = parsed.GetValue(images),
            Device = parsed.GetRequiredValue(device),
            AnyOpenCl = parsed.GetValue(anyOpenCl),
            Exif = parsed.GetValue(exif),
            Problems = parsed.GetValue(problems),
            AllowProblems = parsed.GetValue(allowProblems),
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
        var screen = new Screen(quiet: settings.Json == OutputFile.StandardOutput);
        using var interruption = new Interruption(screen, "Stopping after the current picture; press Ctrl-C again to stop now.");
        return new EvalRun(settings, screen, interruption.Token).Execute();
    }

    private static string ParseKind(ArgumentResult result)
    {
        var value = result.Tokens[0].Value;
        if (!Kinds.ContainsKey(value))
            result.AddError($"--kind is '{value}'; it must be bbox, segm or both");
        return value;
    }
}
