using System.CommandLine;
using System.CommandLine.Parsing;

using Fpn.IlGpu.Experiments;
using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Cli;

/// <summary>The command line of <c>fpn ablate</c>.</summary>
internal static class AblateCommand
{
    private const string Examples = """
        Examples:
          fpn ablate weights/ablation.json --out ablation
              Trains rows a to f of the paper's tables 1 and 2, three times each, and
              prints the results next to the paper's figures.
          fpn ablate weights/ablation.json --out ablation --tables 1 --rows ac \
                     --seeds 1
              Only table 1, rows a (a single map) and c (the pyramid), once each.
          fpn ablate weights/ablation-masks.json --out masks --tables 6 --seeds 1
              Table 6: the parts of the head that proposes masks.
          fpn ablate weights/ablation-context.json --out context
              Tables 1 and 2 on scenes where only the context says what an object is.

        Runs that the folder already holds are not repeated; a stopped run resumes.

        Exit codes:
          0    all done
          1    something failed
          2    wrong usage
          130  stopped by Ctrl-C
        """;

    public static Command Create()
    {
        var configuration = new Argument<string>("FILE") { Description = "The training configuration shared by all rows." };
        var output = new Option<string>("--out", "-o")
        {
            Description = "The output folder of the runs.",
            HelpName = "DIR",
            DefaultValueFactory = _ => "ablation",
        };
        var tables = new Option<string>("--tables", "-t")
        {
            Description = "The paper's tables: 1 (proposals), 2 (Fast R-CNN), 3 (Faster R-CNN), 5 (sharing features), 6 (mask proposals).",
            HelpName = "1,2,3,5,6",
            DefaultValueFactory = _ => "1,2",
        };
        var rows = new Option<string>("--rows", "-r")
        {
            Description = "The rows to train, by their letters.",
            HelpName = "abcdef",
            DefaultValueFactory = _ => "abcdef",
        };
        var seeds = WholeNumberOption.Create(
            "--seeds", "N", 3, 1, 1000, "Number of times to train each row, each time with another seed.");
        var held = WholeNumberOption.Create(
            "--held", "N", 300, 1, 100_000, "Number of held-out scenes to evaluate on.");
        tables.Validators.Add(result => Check(result, tables, "12356", ','));
        rows.Validators.Add(result => Check(result, rows, "abcdef", null));
        var device = DeviceOption.Create();
        var anyOpenCl = DeviceOption.CreateAnyOpenCl();
        var command = new Command("ablate", "Trains and evaluates the paper's ablations on synthetic scenes.")
        {
            configuration, output, tables, rows, seeds, held, device, anyOpenCl,
        };
        HelpWithExamples.AddTo(command, Examples);
        command.SetAction(parsed =>
        {
            var screen = new Screen();
            using var interruption = new Interruption(
                screen, "Stopping after this step; press Ctrl-C again to stop now.", TrainRun.LongestStep);
            var options = new AblationOptions
            {
                Tables = [.. PaperTables.All.Where(table => parsed.GetRequiredValue(tables).Contains((char)('0' + table.Number)))],
                Rows = parsed.GetRequiredValue(rows),
                Seeds = (int)parsed.GetValue(seeds),
                HeldScenes = (int)parsed.GetValue(held),
            };
            var run = new AblateRun(
                parsed.GetRequiredValue(configuration), parsed.GetRequiredValue(output), options, parsed.GetRequiredValue(device),
                new DeviceOptions { AllowAnyOpenCl = parsed.GetValue(anyOpenCl) }, screen, interruption.Token);
            return run.Execute();
        });
        return command;
    }

    private static void Check(OptionResult result, Option<string> option, string known, char? between)
    {
        var value = result.GetValueOrDefault<string>();
        char[] named = [.. value.Where(c => c != between)];
        if (named.Length == 0 || named.Any(c => !known.Contains(c)))
            result.AddError($"{option.Name} is '{value}'; it must list one or more of {string.Join(", ", known.Select(c => c))}.");
    }
}
