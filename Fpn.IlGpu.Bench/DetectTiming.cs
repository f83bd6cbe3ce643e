using System.Diagnostics;
using System.Globalization;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Bench;

/// <summary>
/// Times whole detections, from pixels to boxes: the shipped model on a 640 × 480 picture, and R50-FPN with random
/// weights on an 800 × 1333 one.
/// </summary>
internal static class DetectTiming
{
    private const int Runs = 10;

    /// <summary>Prints a row for each model.</summary>
    public static void Run(string deviceName)
    {
        using var device = Device.Open(deviceName, new DeviceOptions { AllowAnyOpenCl = true });
        Console.WriteLine($"{device.Info.Id}: {device.Info.Name}, {Environment.ProcessorCount} cores, .NET {Environment.Version}");
        Console.WriteLine("model          picture        load      first     median       best   device memory   process");
        Time(device, "shipped", 640, 480, () => Detector.Load(device));
        using var random = RandomResNet50.Create();
        Time(device, "R50-FPN", 1333, 800, () => Detector.Load(device, random));
    }

    private static void Time(Device device, string name, int width, int height, Func<Detector> load)
    {
        var picture = new RgbImage(width, height);
        new Random(1).NextBytes(picture.Pixels);
        var clock = Stopwatch.StartNew();
        using var detector = load();
        var loading = clock.Elapsed;
        var first = Once(detector, picture);
        var times = Enumerable.Range(0, Runs).Select(_ => Once(detector, picture)).Order().ToArray();
        using var process = Process.GetCurrentProcess();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name,-9} {width,5} × {height,-5} {Ms(loading)} {Ms(first)} {Ms(times[Runs / 2])} {Ms(times[0])} "
            + $"{device.PeakMemoryBytes >> 20,11} MiB {process.PeakWorkingSet64 >> 20,5} MiB"));
    }

    private static TimeSpan Once(Detector detector, RgbImage picture)
    {
        var clock = Stopwatch.StartNew();
        detector.Detect(picture);
        return clock.Elapsed;
    }

    private static string Ms(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds,7:F0} ms");
}
