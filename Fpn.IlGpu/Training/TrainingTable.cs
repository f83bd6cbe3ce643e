using System.Globalization;

namespace Fpn.IlGpu.Training;

/// <summary>What a <see cref="TrainingLog"/> has written.</summary>
/// <param name="Columns">The names of the columns.</param>
/// <param name="Rows">A row of cells for each step.</param>
internal sealed record TrainingTable(IReadOnlyList<string> Columns, IReadOnlyList<string[]> Rows)
{
    public const string Step = "step";
    public const string Loss = "loss";
    public const string Rate = "learning_rate";
    public const string Seconds = "seconds";

    /// <summary>The names of the losses, without the total.</summary>
    public IEnumerable<string> Losses => Columns.Skip(2).TakeWhile(column => column != Rate);

    /// <summary>The names of the figures of validations.</summary>
    public IEnumerable<string> Figures => Columns.SkipWhile(column => column != Rate).Skip(1).SkipLast(1);

    /// <summary>Reads a log; lines that are not whole rows are left out.</summary>
    public static TrainingTable Read(string path)
    {
        string[][] lines = [.. File.ReadLines(path).Select(line => line.Split(','))];
        return lines is [var columns, .. var rows]
            ? new TrainingTable(columns, [.. rows.Where(row => row.Length == columns.Length && StepOf(row) is not null)])
            : new TrainingTable([], []);
    }

    /// <summary>The step of a row; null if it states none.</summary>
    public static int? StepOf(string[] row)
        => int.TryParse(row[0], NumberStyles.None, CultureInfo.InvariantCulture, out var step) ? step : null;

    /// <summary>The values of a column, of the rows that have one.</summary>
    public IReadOnlyList<(int Step, double Value)> ValuesOf(string column)
    {
        var at = Columns.ToList().IndexOf(column);
        return at < 0 ? [] : [.. Rows
            .Where(row => double.TryParse(row[at], NumberStyles.Float, CultureInfo.InvariantCulture, out _))
            .Select(row => (StepOf(row)!.Value, double.Parse(row[at], NumberStyles.Float, CultureInfo.InvariantCulture)))];
    }
}
