using System.CommandLine;

using Fpn.IlGpu.Evaluation;

namespace Fpn.IlGpu.Cli;

/// <summary>The command line of <c>fpn proposals</c>: what <c>fpn eval --proposals --save-results</c> does before it evaluates.</summary>
internal static class ProposalsCommand
{
    private const string Examples = """
        Examples:
          fpn proposals --truth instances.json --images pictures \
                        --model rpn.safetensors --out proposals.json
              The RPN's 1000 best boxes of each picture that the truth lists, as a file
              of COCO's results without classes.

        Fast R-CNN is trained on such a file ("data": { …, "proposals": FILE }), and
        evaluated with it (fpn eval --from-proposals FILE).

        Exit codes:
          0    all done
          1    something failed; pictures that could not be read are left out
          2    wrong usage
          130  stopped by Ctrl-C
        """;

    public static Command Create()
    {
        var truth = new Option<string>("--truth", "-t")
        {
            Description = "The pictures: a JSON file of COCO's instances.",
            HelpName = "FILE",
            Required = true,
        };
        var images = new Option<string>("--images", "-i") { Description = "Their folder.", HelpName = "DIR", Required = true };
        var model = new Option<string?>("--model", "-m")
        {
            Description = "The weights of an RPN, or of a detector that has one. Default: the model that ships with fpn.",
            HelpName = "FILE|NAME",
        };
        var output = new Option<string>("--out", "-o") { Description = "The file of proposals.", HelpName = "FILE", Required = true };
        var configuration = ConfigurationOption.Create();
        var device = DeviceOption.Create();
        var anyOpenCl = DeviceOption.CreateAnyOpenCl();
        var command = new Command("proposals", "Writes the boxes that a region proposal network finds in pictures.")
        {
            truth, images, model, output, configuration, device, anyOpenCl,
        };
        HelpWithExamples.AddTo(command, Examples);
        command.SetAction(parsed =>
        {
            var screen = new Screen();
            using var interruption = new Interruption(screen, "Stopping after the current picture; Ctrl-C again stops at once.");
            var settings = new EvalSettings
            {
                Truth = parsed.GetRequiredValue(truth),
                Results = null,
                Model = parsed.GetValue(model),
                Configuration = ConfigurationOption.ToJson(parsed.GetValue(configuration)),
                Images = parsed.GetRequiredValue(images),
                Device = parsed.GetRequiredValue(device),
                AnyOpenCl = parsed.GetValue(anyOpenCl),
                Kinds = [EvaluationKind.Box],
                Proposals = true,
                FromProposals = null,
                Json = null,
                SaveResults = parsed.GetRequiredValue(output),
                Curves = null,
                Worst = null,
                WorstCount = 1,
            };
            return new EvalRun(settings, screen, interruption.Token).FindOnly();
        });
        return command;
    }
}
