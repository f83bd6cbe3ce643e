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
              shows what comes out beside the paper's figures.
          fpn ablate weights/ablation.json --out ablation --tables 1 --rows ac \
                     --seeds 1
              Only the proposals of a single map and of the pyramid, once.

        What is in the folder already is not trained again; what was stopped goes on.

        Exit codes:
          0    all done
          1    something failed
          2    wrong usage
          130  stopped by Ctrl-C
        """;

    public static Command Create()
    {
        var configuration = new Argument<string>("FILE") { Description = "The training configuration that all rows have in common." };
        var output = new Option<string>("--out", "-o")
        {
            Description = "The folder of the runs.",
            HelpName = "DIR",
            DefaultValueFactory = _ => "ablation",
        };
        var tables = new Option<string>("--tables", "-t")
        {
            Description = "Of the paper's tables, 1 (proposals), 2 (objects), or both.",
            HelpName = "1,2",
            DefaultValueFactory = _ => "1,2",
        };
        var rows = new Option<string>("--rows", "-r")
        {
            Description = "The rows' letters.",
            HelpName = "abcdef",
            DefaultValueFactory = _ => "abcdef",
        };
        var seeds = WholeNumberOption.Create(
            "--seeds", "N", 3, 1, 1000, "How often each row is trained, each time from another seed.");
        var held = WholeNumberOption.Create(
            "--held", "N", 300, 1, 100_000, "How many scenes are evaluated on; none is trained on.");
        tables.Validators.Add(result => Check(result, tables, "12", ','));
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
            using var interruption = new Interruption(screen, "Stopping after this step; Ctrl-C again stops at once.");
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
            result.AddError($"{option.Name} is '{value}'; it takes some of {string.Join(", ", known.Select(c => c))}.");
    }
}
