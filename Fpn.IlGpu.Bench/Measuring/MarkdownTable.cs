using System.Globalization;

namespace Fpn.IlGpu.Bench;

/// <summary>A table that is read in a terminal as it is, and pasted into Markdown as it is: first column left, others right.</summary>
internal sealed class MarkdownTable(params string[] header)
{
    private readonly List<string[]> rows = [header];

    /// <summary>Adds a row of as many cells as the header has.</summary>
    public void Add(params string[] cells)
    {
        if (cells.Length != header.Length)
            throw new ArgumentException($"A row of {cells.Length} cells, where there are {header.Length} columns.", nameof(cells));
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

    /// <summary>Three significant digits, and none that mean nothing: 3120, 312, 31.2, 3.12, 0.312.</summary>
    public static string Number(double? value) => value switch
    {
        null => "",
        0 => "0",
        { } v => v.ToString(
            Math.Abs(v) switch { >= 99.95 => "F0", >= 9.995 => "F1", >= 0.9995 => "F2", _ => "F3" }, CultureInfo.InvariantCulture),
    };

    /// <summary>A whole number of percent.</summary>
    public static string Percent(double? share) => share is { } s ? string.Create(CultureInfo.InvariantCulture, $"{100 * s:F0} %") : "";

    public static string Mebibytes(long? bytes) => bytes is { } b ? string.Create(CultureInfo.InvariantCulture, $"{b >> 20}") : "";
}
