using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Bench;

/// <summary>Times loading a checkpoint, and measures how much the process grows.</summary>
internal static class LoadTiming
{
    public static Command Create()
    {
        var path = new Argument<string>("FILE") { Description = "The checkpoint." };
        var options = new BenchOptions();
        var command = new Command("load", "Times loading a checkpoint, and measures how much the process grows.")
        {
            path, options.Device, options.OpenClAny, options.Precision,
        };
        command.SetAction(parsed =>
        {
            using var device = options.OpenDevice(parsed);
            Run(device, parsed.GetRequiredValue(path));
        });
        return command;
    }

    /// <summary>Prints one line.</summary>
    private static void Run(Device device, string path)
    {
        // One-time costs, such as compiling kernels, are not part of loading a checkpoint.
        Detector.Load(device).Dispose();
        GC.Collect();
        var before = Process.GetCurrentProcess().WorkingSet64;
        var clock = Stopwatch.StartNew();
        using var detector = Detector.Load(device, path);
        var time = clock.Elapsed;
        using var process = Process.GetCurrentProcess();
        var (size, grown, most) = (new FileInfo(path).Length, process.WorkingSet64 - before, process.PeakWorkingSet64 - before);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{device.Info.Id}: {path}, {size / 1e6:F0} MB, loads in {time.TotalSeconds:F2} s; the process grows by {grown / 1e6:F0} MB, "
            + $"at most by {most / 1e6:F0} MB, {(double)most / size:F2} times the file"));
    }
}
