using System.CommandLine;

using Fpn.IlGpu.Evaluation;

namespace Fpn.IlGpu.Cli;

/// <summary>
/// The command line of <c>fpn proposals</c>, which detects and writes like <c>fpn eval --proposals --save-results</c>, but
/// does not evaluate.
/// </summary>
internal static class ProposalsCommand
{
    private const string Examples = """
        Examples:
          fpn proposals --truth instances.json --images pictures \
                        --model rpn.safetensors --out proposals.json
              Writes the RPN's 1000 best boxes of each picture listed by the ground
              truth, in COCO's results format without classes.
          fpn proposals --truth instances.json --images pictures --masks \
                        --model mask-proposals.safetensors --out masks.json
              Writes the 1000 best masks of each picture, as run lengths.

        Use a file of boxes to train a Fast R-CNN ("data": { …, "proposals": FILE })
        and to evaluate it (fpn eval --from-proposals FILE). Evaluate the proposals
        themselves with fpn eval --results FILE --proposals; masks with --kind segm.

        Exit codes:
          0    all done
          1    something failed, or pictures that could not be read are left out
          2    wrong usage
          130  stopped by Ctrl-C
        """;

    public static Command Create()
    {
        var truth = new Option<string>("--truth", "-t")
        {
            Description = "The list of pictures: a JSON file in COCO's instances format.",
            HelpName = "FILE",
            Required = true,
        };
        var images = new Option<string>("--images", "-i")
        {
            Description = "The folder of the pictures.",
            HelpName = "DIR",
            Required = true,
        };
        var model = new Option<string?>("--model", "-m")
        {
            Description = "The weights of an RPN, of a detector with an RPN, or of a network that proposes masks. Default: the shipped model.",
            HelpName = "FILE|NAME",
        };
        var masks = new Option<bool>("--masks") { Description = "Write masks; for a network that proposes masks." };
        var output = new Option<string>("--out", "-o") { Description = "The file to write.", HelpName = "FILE", Required = true };
        var configuration = ConfigurationOption.Create();
        var device = DeviceOption.Create();
        var anyOpenCl = DeviceOption.CreateAnyOpenCl();
        var exif = ExifOption.Create();
        var problems = ProblemOptions.CreateFile();
        var allowProblems = ProblemOptions.CreateAllow();
        var command = new Command("proposals", "Writes the proposals of a region proposal network (RPN), or of a network that proposes masks.")
        {
            truth, images, model, masks, output, configuration, device, anyOpenCl, exif, problems, allowProblems,
        };
        HelpWithExamples.AddTo(command, Examples);
        command.SetAction(parsed =>
        {
            var screen = new Screen();
            using var interruption = new Interruption(screen, "Stopping after the current picture; press Ctrl-C again to stop now.");
            var settings = new EvalSettings
            {
                Truth = parsed.GetRequiredValue(truth),
                Results = null,
                Model = parsed.GetValue(model),
                Configuration = ConfigurationOption.ToJson(parsed.GetValue(configuration)),
                Images = parsed.GetRequiredValue(images),
                Device = parsed.GetRequiredValue(device),
                AnyOpenCl = parsed.GetValue(anyOpenCl),
                Exif = parsed.GetValue(exif),
                Problems = parsed.GetValue(problems),
                AllowProblems = parsed.GetValue(allowProblems),
                Kinds = [parsed.GetValue(masks) ? EvaluationKind.Mask : EvaluationKind.Box],
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
