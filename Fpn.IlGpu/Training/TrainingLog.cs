using System.Globalization;
using System.Text;

namespace Fpn.IlGpu.Training;

/// <summary>
/// The log of all steps, a file of comma-separated values: <c>step,loss,…,learning_rate,…,seconds</c>, with a column for each loss and
/// for each figure of validations, which most steps leave empty. A resumed run drops the lines after its checkpoint, so that no step
/// appears twice.
/// </summary>
internal sealed class TrainingLog : IDisposable
{
    private readonly string path;
    private readonly IReadOnlyList<string> figures;
    private IReadOnlyList<string> columns;
    private StreamWriter writer;

    private TrainingLog(string path, IReadOnlyList<string> figures, TrainingTable kept)
    {
        (this.path, this.figures) = (path, figures);
        columns = kept.Columns;
        writer = Write(path, kept);
    }

    /// <summary>Opens a log to continue after a step.</summary>
    /// <param name="path">The file.</param>
    /// <param name="steps">The number of steps done; lines of later steps are dropped. 0 starts a new log.</param>
    /// <param name="figures">The names of the figures of validations.</param>
    /// <exception cref="TrainingException">The file can't be written.</exception>
    public static TrainingLog Open(string path, int steps, params IReadOnlyList<string> figures)
    {
        try
        {
            var kept = steps > 0 && File.Exists(path) ? TrainingTable.Read(path) : new TrainingTable([], []);
            kept = kept with { Rows = [.. kept.Rows.Where(row => TrainingTable.StepOf(row) <= steps)] };
            return new TrainingLog(path, figures, WithFigures(kept, figures));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TrainingException($"{path}: the log can't be written ({e.Message.TrimEnd('.')}).", e);
        }
    }

    /// <summary>Adds a step.</summary>
    public void Add(TrainingStep step)
    {
        if (columns.Count == 0)
        {
            columns =
            [
                TrainingTable.Step, TrainingTable.Loss, .. step.Losses.Select(loss => loss.Key), TrainingTable.Rate, .. figures,
                TrainingTable.Seconds,
            ];
            writer.WriteLine(string.Join(',', columns));
        }
        var cells = new Dictionary<string, string>
        {
            [TrainingTable.Step] = step.Step.ToString(CultureInfo.InvariantCulture),
            [TrainingTable.Loss] = Number(step.Loss),
            [TrainingTable.Rate] = Number(step.LearningRate),
            [TrainingTable.Seconds] = step.Time.TotalSeconds.ToString("F3", CultureInfo.InvariantCulture),
        };
        foreach (var loss in step.Losses)
            cells[loss.Key] = Number(loss.Value);
        foreach (var figure in step.Validation?.Figures ?? [])
            cells[figure.Name] = Number(figure.Value);
        writer.WriteLine(string.Join(',', columns.Select(column => cells.GetValueOrDefault(column, ""))));
        // Flush each line, so that others can follow the file.
        writer.Flush();
    }

    /// <summary>Adds the figures of a validation to the last step, which was logged without them.</summary>
    /// <returns>The step with its validation; null if the log does not have it.</returns>
    public TrainingStep? Add(ValidationResult validation)
    {
        writer.Dispose();
        var table = TrainingTable.Read(path);
        if (table.Rows is [.., var row] && TrainingTable.StepOf(row) == validation.Step)
        {
            foreach (var figure in validation.Figures)
                row[columns.ToList().IndexOf(figure.Name)] = Number(figure.Value);
            writer = Write(path, table);
            float Cell(string column) => float.Parse(row[columns.ToList().IndexOf(column)], CultureInfo.InvariantCulture);
            return new TrainingStep(
                validation.Step, [.. table.Losses.Select(name => KeyValuePair.Create(name, Cell(name)))], Cell(TrainingTable.Rate),
                TimeSpan.FromSeconds(Cell(TrainingTable.Seconds)))
            { Validation = validation };
        }
        writer = Write(path, table);
        return null;
    }

    /// <inheritdoc/>
    public void Dispose() => writer.Dispose();

    // A run that is resumed with validation may have begun without.
    private static TrainingTable WithFigures(TrainingTable table, IReadOnlyList<string> figures)
    {
        string[] added = [.. figures.Except(table.Columns)];
        return table.Columns.Count == 0 || added.Length == 0 ? table : new TrainingTable(
            [.. table.Columns.SkipLast(1), .. added, table.Columns[^1]],
            [.. table.Rows.Select(row => (string[])[.. row[..^1], .. added.Select(_ => ""), row[^1]])]);
    }

    private static StreamWriter Write(string path, TrainingTable table)
    {
        var writer = new StreamWriter(path, append: false, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
        if (table.Columns.Count > 0)
            writer.WriteLine(string.Join(',', table.Columns));
        foreach (var row in table.Rows)
            writer.WriteLine(string.Join(',', row));
        writer.Flush();
        return writer;
    }

    private static string Number(double value) => value.ToString("G6", CultureInfo.InvariantCulture);
}
