using System.Globalization;
using Fpn.IlGpu.Verification;

using Spectre.Console;

namespace Fpn.IlGpu.Cli;

/// <summary>One run of <c>fpn verify</c>: prints a line for each case that differs, and a table with a row for each operator.</summary>
/// <param name="verification">The verification, which runs the operators.</param>
/// <param name="screen">The screen for results and progress.</param>
/// <param name="stop">Stops the run between two cases.</param>
internal sealed class VerifyRun(DeviceVerification verification, Screen screen, CancellationToken stop) : IProgress<VerificationProgress>
{
    private int number;

    /// <summary>Runs the command and returns the process's exit code.</summary>
    public int Execute()
    {
        var device = verification.DeviceInfo;
        screen.WriteNote($"{device.Name} ({device.Id})");
        var rows = new List<OperatorVerification>();
        var stopped = false;
        try
        {
            foreach (var row in verification.Run(this, stop))
                rows.Add(row);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            stopped = true;
        }
        finally
        {
            screen.Progress("");
        }
        foreach (var row in rows)
        {
            foreach (var line in row.Mismatches.Concat(row.Errors))
                screen.WriteNote($"{row.Operator}, {line}");
        }
        // The table comes after the differences, which may be many lines, so that it stays in view.
        if (rows.Count > 0)
            screen.Write(TableOf(rows));
        var bad = rows.Count(row => !row.Passed);
        var left = verification.Operators - rows.Count;
        var summary = string.Create(
            CultureInfo.InvariantCulture,
            $"{rows.Count - bad} of {rows.Count} operators agree, {rows.Sum(row => row.Cases)} cases.");
        screen.WriteNote(stopped ? $"Stopped before {left} of {verification.Operators} operators. {summary}" : summary);
        return stopped ? ExitCode.Interrupted : bad > 0 ? ExitCode.SomethingFailed : ExitCode.Done;
    }

    void IProgress<VerificationProgress>.Report(VerificationProgress value)
    {
        screen.Step($"{value.Number} of {value.Operators}: {value.Operator}", value.Case, begins: value.Number != number);
        number = value.Number;
    }

    /// <summary>A table with a row for each operator.</summary>
    internal static Table TableOf(IEnumerable<OperatorVerification> rows)
    {
        var table = Screen.NewTable();
        table.AddColumn(new TableColumn("operator").NoWrap());
        table.AddColumn(new TableColumn("cases").RightAligned().NoWrap());
        table.AddColumn(new TableColumn("difference").RightAligned().NoWrap());
        table.AddColumn(new TableColumn("bound").RightAligned().NoWrap());
        table.AddColumn(new TableColumn("").NoWrap());
        foreach (var row in rows)
        {
            table.AddRow(
                new Text(row.Operator),
                new Text(row.Cases.ToString(CultureInfo.InvariantCulture)),
                new Text(Number(row.Difference)),
                new Text(Number(row.Bound)),
                new Text(row.Errors.Count > 0 ? "ERROR" : row.Mismatches.Count > 0 ? "MISMATCH" : "ok"));
        }
        return table;
    }

    private static string Number(double value)
        => value == 0 ? "0" : value.ToString(double.IsFinite(value) ? "0.0e-0" : "G", CultureInfo.InvariantCulture);
}
