using System.Diagnostics;

namespace Fpn.IlGpu.Bench;

/// <summary>Another process of this bench: what it measures begins where a process begins, and what it holds goes with it.</summary>
internal static class OwnProcess
{
    /// <summary>Runs it to its end.</summary>
    /// <param name="arguments">A command and its options.</param>
    /// <returns>Its standard output, and the milliseconds from its start to its first line there.</returns>
    /// <exception cref="BenchException">It failed; the message is its own.</exception>
    public static (string Output, double MsToFirstLine) Run(params string[] arguments)
    {
        var host = Environment.ProcessPath!;
        // 'dotnet Fpn.IlGpu.Bench.dll' is the runtime's own process.
        var byRuntime = Path.GetFileNameWithoutExtension(host).Equals("dotnet", StringComparison.OrdinalIgnoreCase);
        var start = new ProcessStartInfo(
            host, [.. byRuntime ? [typeof(OwnProcess).Assembly.Location] : Array.Empty<string>(), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var began = Stopwatch.GetTimestamp();
        using var process = Process.Start(start)!;
        var complaints = process.StandardError.ReadToEndAsync();
        var first = process.StandardOutput.ReadLine();
        var ms = Stopwatch.GetElapsedTime(began).TotalMilliseconds;
        var rest = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? (first + rest, ms)
            : throw new BenchException($"'{string.Join(' ', arguments)}' failed: {complaints.Result.Trim()}");
    }
}
