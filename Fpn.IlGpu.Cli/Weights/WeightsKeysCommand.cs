using System.CommandLine;
using System.Text.RegularExpressions;

using Spectre.Console;

namespace Fpn.IlGpu.Cli;

/// <summary><c>fpn weights keys</c>: the keys of a model's configuration, as weights/README.md describes them.</summary>
internal static partial class WeightsKeysCommand
{
    public static Command Create()
    {
        var command = new Command("keys", "Lists the keys of a model's configuration, which --set overrides.");
        command.SetAction(_ =>
        {
            var table = Screen.NewTable();
            table.AddColumn(new TableColumn("key"));
            table.AddColumn(new TableColumn("default"));
            table.AddColumn(new TableColumn("meaning"));
            foreach (var (keys, standard, meaning) in Rows())
                table.AddRow(new Text(keys), new Text(standard), new Text(meaning));
            new Screen().Write(table);
        });
        return command;
    }

    /// <summary>The rows of the documentation's table: keys separated by commas, their defaults, and what they mean.</summary>
    internal static IEnumerable<(string Keys, string Standard, string Meaning)> Rows()
    {
        using var page = new StreamReader(typeof(WeightsKeysCommand).Assembly.GetManifestResourceStream("weights.md")!);
        return [.. Row().Matches(page.ReadToEnd()).Select(row => (Plain(row, 1), Plain(row, 2), Plain(row, 3)))];

        static string Plain(Match row, int column) => Link().Replace(row.Groups[column].Value, "$1").Replace("`", "", StringComparison.Ordinal);
    }

    [GeneratedRegex(@"^\| (`[a-z_]+`(?:, `[a-z_]+`)*) \| (.*?) \| (.*?) \|\r?$", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"\[([^\]]*)\]\([^)]*\)")]
    private static partial Regex Link();
}
