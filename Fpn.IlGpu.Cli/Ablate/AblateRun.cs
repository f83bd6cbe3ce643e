using System.Globalization;

using Fpn.IlGpu.Experiments;
using Fpn.IlGpu.Files;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Training;

using Spectre.Console;

namespace Fpn.IlGpu.Cli;

/// <summary>One run of <c>fpn ablate</c>.</summary>
internal sealed class AblateRun(
    string configurationPath, string folder, AblationOptions ablation, string deviceName, DeviceOptions options, Screen screen,
    CancellationToken stop)
{
    /// <summary>Runs the command and returns the process's exit code.</summary>
    public int Execute()
    {
        var configuration = TrainingConfiguration.Load(configurationPath);
        using var device = Device.Open(deviceName, options);
        var progress = new Said(screen);
        var results = new List<AblationResult>();
        var isStopped = false;
        try
        {
            var runs = new Ablation(
                device, configuration, ablation, Path.GetDirectoryName(Path.GetFullPath(configurationPath))!, folder, progress);
            var inUse = new FilesInUse();
            inUse.AddInputs(configurationPath);
            foreach (var output in runs.Outputs)
                OutputFile.Check(output, "--out", inUse);
            foreach (var result in runs.Run(stop))
            {
                results.Add(result);
                screen.Progress("");
                screen.WriteLine(Line(result));
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            isStopped = true;
        }
        finally
        {
            screen.Progress("");
        }
        foreach (var table in ablation.Tables)
            Show(table, [.. results.Where(result => result.Table == table)]);
        if (isStopped)
            screen.WriteLine("Stopped; run the same command again to resume.");
        return isStopped ? ExitCode.Interrupted : ExitCode.Done;
    }

    private static string Line(AblationResult result)
    {
        var figures = result.Table.Columns.Zip(
            result.Figures, (name, value) => $"{name} {Cell([value])}");
        return $"table {result.Table.Number}, row {result.Row.Letter}, seed {result.Seed}: {string.Join(", ", figures)}"
            + $" ({ProgressLine.Duration(result.Time)})";
    }

    private void Show(PaperTable paper, AblationResult[] results)
    {
        if (results.Length == 0)
            return;
        screen.WriteLine($"Table {paper.Number}, {paper.Title}, with the paper's figures below each row:");
        var table = Screen.NewTable();
        table.AddColumn(new TableColumn("row").NoWrap());
        foreach (var column in paper.Columns)
            table.AddColumn(new TableColumn(column).RightAligned().NoWrap());
        foreach (var row in results.GroupBy(result => result.Row))
        {
            table.AddRow([$"{row.Key.Letter} {row.Key.Name}", .. paper.Columns.Select((_, i) => Cell([.. row.Select(r => r.Figures[i])]))]);
            table.AddRow(["  in the paper", .. row.Key.Paper.Select(value => value?.ToString("F1", CultureInfo.InvariantCulture) ?? "")]);
        }
        screen.Write(table);
    }

    // The mean over the seeds, ± the sample standard deviation. A negative value means that there are no objects of that size.
    private static string Cell(double[] values)
    {
        if (values.Any(value => value < 0))
            return "-";
        var mean = values.Average();
        var spread = values.Length < 2 ? "" : string.Create(
            CultureInfo.InvariantCulture, $"±{Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (values.Length - 1)):F1}");
        return string.Create(CultureInfo.InvariantCulture, $"{mean:F1}{spread}");
    }

    /// <summary>Reports progress synchronously, because System.Progress would report it late and out of order.</summary>
    private sealed class Said(Screen screen) : IProgress<AblationProgress>
    {
        public void Report(AblationProgress value) => screen.Progress(Screen.Cut(value.Step is { } step
            ? string.Create(CultureInfo.InvariantCulture, $"{value.Run}: step {step} of {value.Steps}")
            : $"{value.Run}: detecting"));
    }
}
