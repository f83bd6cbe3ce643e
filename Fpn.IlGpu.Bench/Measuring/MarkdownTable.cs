using System.Globalization;

namespace Fpn.IlGpu.Bench;

/// <summary>A Markdown table that can also be read in a terminal. The first column is left-aligned, the others right-aligned.</summary>
internal sealed class MarkdownTable(params string[] header)
{
    private readonly List<string[]> rows = [header];

    /// <summary>Adds a row, with as many cells as the header.</summary>
    public void Add(params string[] cells)
    {
        if (cells.Length != header.Length)
            throw new ArgumentException($"The row has {cells.Length} cells, but the table has {header.Length} columns.", nameof(cells));
        rows.Add(cells);
    }

    public void Write(TextWriter to)
    {
        int[] widths = [.. header.Select((_, column) => Math.Max(3, rows.Max(row => row[column].Length)))];
        Line(header);
        to.WriteLine(
            $"| {string.Join(" | ", widths.Select((w, column) => column == 0 ? new string('-', w) : new string('-', w - 1) + ":"))} |");
        foreach (var row in rows.Skip(1))
            Line(row);

        void Line(string[] cells) => to.WriteLine(
            $"| {string.Join(" | ", cells.Select((c, column) => column == 0 ? c.PadRight(widths[column]) : c.PadLeft(widths[column])))} |");
    }

    /// <summary>Formats a number with about three significant digits: 3120, 312, 31.2, 3.12, 0.312.</summary>
    public static string Number(double? value) => value switch
    {
        null => "",
        0 => "0",
        { } v => v.ToString(
            Math.Abs(v) switch { >= 99.95 => "F0", >= 9.995 => "F1", >= 0.9995 => "F2", _ => "F3" }, CultureInfo.InvariantCulture),
    };

    /// <summary>Formats a share as a whole percentage.</summary>
    public static string Percent(double? share) => share is { } s ? string.Create(CultureInfo.InvariantCulture, $"{100 * s:F0} %") : "";

    public static string Mebibytes(long? bytes) => bytes is { } b ? string.Create(CultureInfo.InvariantCulture, $"{b >> 20}") : "";
}
