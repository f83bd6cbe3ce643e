using System.Diagnostics;

namespace Fpn.IlGpu.Bench;

/// <summary>How times are taken and summed up.</summary>
internal static class Timing
{
    // A peer's threads, or this process's, may spin for a while after their work: neither is to take the other's cores.
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(0.3);

    /// <summary>The milliseconds that some work takes.</summary>
    public static double Ms(Action work)
    {
        var began = Stopwatch.GetTimestamp();
        work();
        return Stopwatch.GetElapsedTime(began).TotalMilliseconds;
    }

    /// <summary>The same, and the milliseconds of processor time of all this process's threads: others don't lengthen those.</summary>
    public static (double Ms, double CpuMs) MsAndCpuMs(Action work)
    {
        var cpu = Environment.CpuUsage.TotalTime;
        var ms = Ms(work);
        return (ms, (Environment.CpuUsage.TotalTime - cpu).TotalMilliseconds);
    }

    /// <summary>The middle one; of an even number, the mean of the two in the middle.</summary>
    public static double Median(IReadOnlyCollection<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    /// <summary>Waits until whoever worked last has let go of the cores.</summary>
    public static void Pause() => Thread.Sleep(Rest);
}
