using System.CommandLine;

namespace Fpn.IlGpu.Cli;

/// <summary>The command line of <c>fpn data show</c>.</summary>
internal static class DataShowCommand
{
    private const string Examples = """
        For annotations, the pictures are chosen at random. For a training
        configuration, they are the first ones that 'fpn train' sees, augmented and
        resized as it sees them; small ones are enlarged by a whole factor.

        Examples:
          fpn data show instances.json --pictures photos --out shown
          fpn data show VOC2012 --split trainval --out shown -n 20 --seed 1
          fpn data show training.json --out samples -n 16
              Samples of a training configuration, with all of its augmentation.

        Exit codes:
          0    the pictures were written
          1    something failed, or too much can't be used
          2    wrong usage
          130  stopped by Ctrl-C
        """;

    public static Command Create()
    {
        var file = new Argument<string>("FILE") { Description = "Annotations in any format, or a training configuration." };
        var output = DataOptions.CreateOut("The folder for the pictures; created if missing.", "DIR");
        var count = WholeNumberOption.Create("--count", "N", 8, 1, 1_000_000, "Number of pictures.");
        count.Aliases.Add("-n");
        var seed = DataOptions.CreateSeed();
        var step = new Option<long?>("--step")
        {
            Description = "For a training configuration: the step whose samples come first, from 1. [default: 1]",
            HelpName = "N",
            CustomParser = result => WholeNumberOption.Parse(result, 1, int.MaxValue),
        };
        var (from, pictures, list) = (DataOptions.CreateFrom(), DataOptions.CreatePictures(), DataOptions.CreateList());
        var (exif, problems, allow) = (ExifOption.Create(), ProblemOptions.CreateFile(), ProblemOptions.CreateAllow());
        var command = new Command("show", "Draws annotated pictures, or the samples of a training configuration.")
        {
            file, output, count, seed, step, from, pictures, list, exif, problems, allow,
        };
        HelpWithExamples.AddTo(command, Examples);
        command.SetAction(parsed =>
        {
            var screen = new Screen();
            using var interruption = new Interruption(screen, "Stopping after the current picture; press Ctrl-C again to stop now.");
            var source = new DataSource(parsed.GetRequiredValue(file))
            {
                Format = parsed.GetValue(from),
                Pictures = parsed.GetValue(pictures),
                List = parsed.GetValue(list),
                Exif = parsed.GetValue(exif),
            };
            var run = new DataShowRun(
                parsed.GetRequiredValue(output), (int)parsed.GetValue(count), parsed.GetValue(problems), parsed.GetValue(allow), screen,
                interruption.Token);
            if (source.Format is null && DataShowRun.IsConfiguration(source.Path))
            {
                Option[] others = [from, pictures, list, exif, seed];
                var other = others.FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false });
                return other is null
                    ? run.ShowSamples(source.Path, (int)(parsed.GetValue(step) ?? 1) - 1)
                    : throw new CommandException($"'{source.Path}' is a training configuration, which says itself what {other.Name} would.");
            }
            if (parsed.GetValue(step) is not null)
                throw new CommandException($"--step needs a training configuration; '{source.Path}' is none.");
            return run.ShowSet(source, parsed.GetValue(seed));
        });
        return command;
    }
}
