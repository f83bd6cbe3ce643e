using System.Globalization;
using System.Text;

namespace Fpn.IlGpu.Training;

/// <summary>
/// The log of all steps, a file of comma-separated values: <c>step,loss,…,learning_rate,seconds</c>, with a column for each loss. A
/// resumed run drops the lines after its checkpoint, so that no step appears twice.
/// </summary>
internal sealed class TrainingLog : IDisposable
{
    private readonly StreamWriter writer;
    private bool hasHeader;

    private TrainingLog(StreamWriter writer, bool hasHeader)
    {
        this.writer = writer;
        this.hasHeader = hasHeader;
    }

    /// <summary>Opens a log to continue after a step.</summary>
    /// <param name="path">The file.</param>
    /// <param name="steps">The number of steps done; lines of later steps are dropped. 0 starts a new log.</param>
    /// <exception cref="TrainingException">The file can't be written.</exception>
    public static TrainingLog Open(string path, int steps)
    {
        try
        {
            string[] kept = steps > 0 && File.Exists(path)
                ? [.. File.ReadLines(path).Where((line, i) => i == 0 || StepOf(line) is { } step && step <= steps)]
                : [];
            var writer = new StreamWriter(path, append: false, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
            foreach (var line in kept)
                writer.WriteLine(line);
            writer.Flush();
            return new TrainingLog(writer, kept.Length > 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TrainingException($"{path}: the log can't be written ({e.Message.TrimEnd('.')}).", e);
        }
    }

    /// <summary>Reads the total loss of each step.</summary>
    public static IReadOnlyList<(int Step, float Loss)> Read(string path)
    {
        List<(int, float)> losses = [];
        foreach (var line in File.ReadLines(path).Skip(1))
        {
            var cells = line.Split(',');
            if (StepOf(line) is { } step && cells.Length > 1
                && float.TryParse(cells[1], NumberStyles.Float, CultureInfo.InvariantCulture, out var loss))
            {
                losses.Add((step, loss));
            }
        }
        return losses;
    }

    /// <summary>Adds a step.</summary>
    public void Add(TrainingStep step)
    {
        if (!hasHeader)
            writer.WriteLine($"step,loss,{string.Join(',', step.Losses.Select(l => l.Key))},learning_rate,seconds");
        hasHeader = true;
        writer.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{step.Step},{step.Loss:G6},{string.Join(',', step.Losses.Select(l => l.Value.ToString("G6", CultureInfo.InvariantCulture)))},"
            + $"{step.LearningRate:G6},{step.Time.TotalSeconds:F3}"));
        // Flush each line, so that others can follow the file.
        writer.Flush();
    }

    /// <inheritdoc/>
    public void Dispose() => writer.Dispose();

    private static int? StepOf(string line)
        => int.TryParse(line.Split(',')[0], NumberStyles.None, CultureInfo.InvariantCulture, out var step) ? step : null;
}
