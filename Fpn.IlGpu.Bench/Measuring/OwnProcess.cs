using System.Diagnostics;

namespace Fpn.IlGpu.Bench;

/// <summary>
/// Another process of this bench, for measurements from a process's start, and for work whose memory must be freed
/// afterwards.
/// </summary>
internal static class OwnProcess
{
    /// <summary>Runs a command in such a process, and waits for its end.</summary>
    /// <param name="arguments">A command and its options.</param>
    /// <returns>Its standard output, and the milliseconds from its start to its first line there.</returns>
    /// <exception cref="BenchException">The process failed; the message includes its own.</exception>
    public static (string Output, double MsToFirstLine) Run(params string[] arguments)
    {
        var host = Environment.ProcessPath!;
        // Under 'dotnet Fpn.IlGpu.Bench.dll', the process is the runtime's, and needs the assembly's path.
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
