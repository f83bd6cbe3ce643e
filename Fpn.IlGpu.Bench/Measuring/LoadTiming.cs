using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Bench;

/// <summary>Times the loading of a checkpoint, and says how much larger it makes the process.</summary>
internal static class LoadTiming
{
    public static Command Create()
    {
        var path = new Argument<string>("FILE") { Description = "A checkpoint." };
        var options = new BenchOptions();
        var command = new Command("load", "Times the loading of a checkpoint, and what it adds to the process.")
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
        // Whatever is compiled and opened once is not the checkpoint's.
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
            + $"at the most by {most / 1e6:F0} MB, {(double)most / size:F2} times the file"));
    }
}
