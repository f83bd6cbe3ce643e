using System.CommandLine;
using System.Globalization;

using Fpn.IlGpu.Files;

using Spectre.Console;

namespace Fpn.IlGpu.Cli;

/// <summary><c>fpn data split</c>: divides the pictures of a set among several files.</summary>
internal static class DataSplitCommand
{
    private const double Slack = 1e-6;

    private const string Examples = """
        Every picture comes into exactly one file. Each file has its share of the
        pictures and, as nearly as whole pictures allow, of each class's objects.
        Entries keep all their keys. The same seed gives the same files.

        Examples:
          fpn data split instances.json --out train.json,val.json --shares 0.8,0.2
          fpn data split instances.json --out train.json,val.json,test.json \
                   --shares 0.7,0.15,0.15 --seed 1

        Other formats: run 'fpn data convert' first.

        Exit codes:
          0    the files were written
          1    something failed, or too much can't be used
          2    wrong usage
        """;

    public static Command Create()
    {
        var file = new Argument<string>("FILE") { Description = "A JSON file in COCO's instances format." };
        var output = DataOptions.CreateOut("The files to write, separated by commas.", "FILE,FILE…");
        var shares = new Option<string?>("--shares")
        {
            Description = "Each file's share of the pictures; together 1. Default: equal shares.",
            HelpName = "S,S…",
        };
        var seed = DataOptions.CreateSeed();
        var (problems, allow) = (ProblemOptions.CreateFile(), ProblemOptions.CreateAllow());
        var command = new Command("split", "Divides a set among files, by picture and stratified by class.")
        {
            file, output, shares, seed, problems, allow,
        };
        command.Validators.Add(result =>
        {
            var files = DataOptions.Parts(result.GetValue(output) ?? "");
            var mistake = files.Length < 2
                ? "--out takes at least two files, separated by commas, such as train.json,val.json"
                : result.GetValue(shares) is { } given ? WrongShares(given, files.Length) : null;
            if (result.GetResult(output) is not null && mistake is not null)
                result.AddError(mistake);
        });
        HelpWithExamples.AddTo(command, Examples);
        command.SetAction(parsed =>
        {
            var files = DataOptions.Parts(parsed.GetRequiredValue(output));
            var given = parsed.GetValue(shares) is { } text ? Shares(text) : [.. files.Select(_ => 1.0 / files.Length)];
            return Split(
                parsed.GetRequiredValue(file), files, given, parsed.GetValue(seed), parsed.GetValue(problems), parsed.GetValue(allow));
        });
        return command;
    }

    private static int Split(string path, string[] files, double[] shares, long seed, string? problems, bool allowed)
    {
        var screen = new Screen();
        var inUse = new FilesInUse();
        inUse.AddInputs(path);
        var output = new DataOutput(inUse, screen);
        foreach (var file in files)
            output.Check(file, "--out");
        using var document = CocoDocument.Open(path);
        output.Check(document.Problems, allowed, problems);
        var sizes = StratifiedSplit.Sizes(document.Pictures.Count, shares);
        if (Array.IndexOf(sizes, 0) is >= 0 and var empty)
        {
            throw new CommandException(
                $"'{files[empty]}' would have no picture: '{path}' has only {DataOptions.Count(document.Pictures.Count, "picture")}.");
        }
        var indices = document.Categories.Index().ToDictionary(item => item.Item.Id, item => item.Index, StringComparer.Ordinal);
        int[][] counts = [.. document.Pictures.Select(picture =>
        {
            var own = new int[indices.Count];
            foreach (var annotated in document.ObjectsOf(picture))
                own[indices[annotated.Category.Id]]++;
            return own;
        })];
        var parts = StratifiedSplit.Of(counts, shares, seed);
        foreach (var (part, file) in files.Index())
        {
            var pictures = document.Pictures.Where((_, i) => parts[i] == part).ToList();
            DataOutput.Write(file, stream => document.Write(
                stream,
                json => pictures.ForEach(picture => picture.Json.WriteTo(json)),
                json => pictures.ForEach(picture =>
                {
                    foreach (var annotated in document.ObjectsOf(picture))
                        annotated.Json.WriteTo(json);
                    json.Flush();
                }),
                json => document.Categories.ToList().ForEach(category => category.Json.WriteTo(json))));
        }
        screen.Write(Table(document, files, counts, parts));
        return ExitCode.Done;
    }

    private static Table Table(CocoDocument document, string[] files, int[][] counts, int[] parts)
    {
        var table = Screen.NewTable();
        table.AddColumn("");
        foreach (var file in files)
        {
            table.AddColumn(new TableColumn(Markup.Escape(Screen.Printable(file))).RightAligned());
            table.AddColumn(new TableColumn("share").RightAligned());
        }
        AddRow("pictures", _ => 1);
        foreach (var (index, category) in document.Categories.Index())
            AddRow(category.Name, own => own[index]);
        return table;

        void AddRow(string name, Func<int[], int> count)
        {
            long[] ofParts = [.. files.Select((_, part) => counts.Where((_, i) => parts[i] == part).Sum(own => (long)count(own)))];
            var all = ofParts.Sum();
            table.AddRow([Markup.Escape(Screen.Printable(name)), .. ofParts.SelectMany(of => new[]
            {
                of.ToString(CultureInfo.InvariantCulture),
                all == 0 ? "-" : ((double)of / all).ToString("F3", CultureInfo.InvariantCulture),
            })]);
        }
    }

    private static double[] Shares(string text) => [.. DataOptions.Parts(text).Select(part => SetBuilder.Number(part) ?? 0)];

    private static string? WrongShares(string text, int files)
    {
        var shares = Shares(text);
        return shares.Any(share => !(share > 0))
            ? $"--shares is '{text}'; it must be numbers above 0, separated by commas, such as 0.8,0.2"
            : shares.Length != files ? $"--shares has {shares.Length} numbers for {files} files in --out"
            : Math.Abs(shares.Sum() - 1) <= Slack ? null
            : string.Create(CultureInfo.InvariantCulture, $"--shares is '{text}', which adds up to {shares.Sum():0.######}, not to 1");
    }
}
