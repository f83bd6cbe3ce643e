using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Verification;

namespace Fpn.IlGpu.Cli;

/// <summary>What the device did in a detection, launch by launch.</summary>
/// <param name="Launches">The launches in order, each with the median of its times.</param>
/// <param name="PeakFlops">The device's measured peak of float32 operations in a second; a multiply-add counts as two.</param>
internal sealed record Timeline(IReadOnlyList<KernelLaunch> Launches, double PeakFlops)
{
    /// <summary>How many detections are timed.</summary>
    public const int Runs = 5;

    /// <summary>Detects a few times, and takes each launch's median.</summary>
    public static Timeline Measure(Detector detector, RgbImage picture, Device device, CancellationToken stop)
    {
        var log = new LaunchLog(device);
        var runs = new IReadOnlyList<KernelLaunch>[Runs];
        device.LaunchLog = log;
        try
        {
            for (var run = 0; run < Runs; run++)
            {
                detector.Detect(picture, stop);
                runs[run] = log.Stop();
            }
        }
        finally
        {
            device.LaunchLog = null;
        }
        using var peak = new PeakRate(device);
        return new Timeline([.. runs[0].Select((launch, i) => launch with { Time = Median(runs.Select(run => run[i].Time)) })], peak.Flops);
    }

    private static TimeSpan Median(IEnumerable<TimeSpan> times) => times.Order().ElementAt(Runs / 2);
}
