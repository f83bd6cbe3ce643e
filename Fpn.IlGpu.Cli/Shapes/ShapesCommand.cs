using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Fpn.IlGpu.Experiments.Scenes;

namespace Fpn.IlGpu.Cli;

/// <summary><c>fpn shapes</c>: writes synthetic pictures with their annotations.</summary>
internal static class ShapesCommand
{
    private const int LeastSide = 21;
    private const int LeastShape = 6;
    private const int MostSide = 4096;

    private const string Notes = """
        Writes OUT/pictures/SEED.png and OUT/instances.json, in COCO's format. The
        same seed gives the same picture.

        Examples:
          fpn shapes held --count 500 --seed 500000
              The 500 scenes that the shipped model's average precision is measured on.
          fpn shapes train --count 20000 --seed 1000000 --size 427x320
              A training set of another picture size.

        Exit codes:
          0    all files were written
          1    the folder can't be written
          2    wrong usage
          130  stopped by Ctrl-C; instances.json is not written
        """;

    public static Command Create()
    {
        var output = new Argument<string>("OUT") { Description = "The folder to write to; created if missing." };
        var count = WholeNumberOption.Create("--count", "N", 100, 1, 10_000_000, "Number of pictures.");
        var seed = WholeNumberOption.Create(
            "--seed", "S", 0, 0, long.MaxValue - 10_000_000, "Seed of the first picture; each further picture's is 1 higher.");
        var size = new Option<(int W, int H)?>("--size")
        {
            Description = $"Size of each picture, {LeastSide} to {MostSide} px per side. [default: 320x320]",
            HelpName = "WxH",
            CustomParser = ParseSize,
        };
        var options = new SyntheticShapesOptions();
        var smallest = WholeNumberOption.Create(
            "--smallest", "PX", (long)options.SmallestPx, LeastShape, MostSide, "Size of the smallest shapes, in px.");
        var largest = WholeNumberOption.Create(
            "--largest", "PX", (long)options.LargestPx, LeastShape, MostSide, "Size of the largest shapes, in px.");
        var most = WholeNumberOption.Create(
            "--most", "N", options.MostShapes, 1, 1000, "Maximum number of shapes per picture; the minimum is 1.");
        var command = new Command("shapes", "Writes synthetic pictures of shapes, for training and testing.")
        {
            output, count, seed, size, smallest, largest, most,
        };
        command.Validators.Add(result =>
        {
            // A value that is no number has an error of its own, and can't be got.
            if (IsNumber(result, smallest) && IsNumber(result, largest) && result.GetValue(smallest) > result.GetValue(largest))
                result.AddError("--smallest is more than --largest");
        });
        HelpWithExamples.AddTo(command, Notes);
        command.SetAction(parsed =>
        {
            var screen = new Screen();
            using var interruption = new Interruption(screen, "Stopping after the current picture; press Ctrl-C again to stop now.");
            (var w, var h) = parsed.GetValue(size) ?? (320, 320);
            var shapes = new SyntheticShapesOptions
            {
                SmallestPx = parsed.GetValue(smallest),
                LargestPx = parsed.GetValue(largest),
                MostShapes = (int)parsed.GetValue(most),
            };
            return new ShapesRun(parsed.GetRequiredValue(output), (ulong)parsed.GetValue(seed), w, h, shapes, screen)
                .Execute((int)parsed.GetValue(count), interruption.Token);
        });
        return command;
    }

    private static bool IsNumber(CommandResult result, Option option)
        => result.GetResult(option) is not OptionResult { Tokens: [var token, ..] }
            || long.TryParse(token.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var side) && side is >= LeastShape and <= MostSide;

    private static (int W, int H)? ParseSize(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        var sides = text.Split('x');
        int Side(int i) =>
            int.TryParse(sides[i], NumberStyles.None, CultureInfo.InvariantCulture, out var side)
                && side is >= LeastSide and <= MostSide ? side : 0;
        (var w, var h) = sides.Length == 2 ? (Side(0), Side(1)) : (0, 0);
        if (w == 0 || h == 0)
            result.AddError($"--size is '{text}'; it must be WIDTHxHEIGHT, such as 320x240, {LeastSide} to {MostSide} px per side");
        return (w, h);
    }
}
