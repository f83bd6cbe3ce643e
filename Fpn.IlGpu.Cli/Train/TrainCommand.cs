using System.CommandLine;

using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Cli;

/// <summary>The command line of <c>fpn train</c>.</summary>
internal static class TrainCommand
{
    private const string Examples = """
        Examples:
          fpn train shapes.json --out run
              Writes run/model.safetensors, for 'fpn detect --model', and
              run/checkpoint.safetensors, to resume from, both every so many steps;
              run/training.csv and run/training.svg show losses and learning rate.
              run/problems.txt lists what is wrong with the data, if anything is.
              With "validation" in the configuration, run/best.safetensors is the
              model with the highest AP so far.
          fpn train shapes.json --out run --resume
              Resumes from run/checkpoint.safetensors. The final weights are the same
              as those of an uninterrupted run.

        The configuration is JSON with comments; docs/training.md lists its keys.

        Exit codes:
          0    training finished, also where the AP of the validation did not
               improve for as long as its "patience"
          1    something failed, or a loss was not finite
          2    wrong usage
          130  stopped by Ctrl-C, SIGTERM or SIGHUP; a checkpoint of the last
               step was written
        """;

    public static Command Create()
    {
        var configuration = new Argument<string>("FILE") { Description = "The training configuration." };
        var output = new Option<string>("--out", "-o")
        {
            Description = "The output folder of the run.",
            HelpName = "DIR",
            DefaultValueFactory = _ => "run",
        };
        var resume = new Option<bool>("--resume") { Description = "Resume from the checkpoint in the folder." };
        var allowProblems = ProblemOptions.CreateAllow();
        var device = DeviceOption.Create();
        var anyOpenCl = DeviceOption.CreateAnyOpenCl();
        var command = new Command("train", "Trains a detector, from random weights or from a checkpoint.")
        {
            configuration, output, resume, allowProblems, device, anyOpenCl,
        };
        HelpWithExamples.AddTo(command, Examples);
        command.SetAction(parsed =>
        {
            var screen = new Screen();
            using var interruption = new Interruption(
                screen, "Stopping after this step; press Ctrl-C again to stop now.", TrainRun.LongestStep);
            var run = new TrainRun(
                parsed.GetRequiredValue(configuration), parsed.GetRequiredValue(output), parsed.GetValue(resume),
                parsed.GetValue(allowProblems), parsed.GetRequiredValue(device),
                new DeviceOptions { AllowAnyOpenCl = parsed.GetValue(anyOpenCl) }, screen, interruption.Token);
            return run.Execute();
        });
        return command;
    }
}
