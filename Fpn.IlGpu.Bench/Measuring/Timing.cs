using System.Diagnostics;

namespace Fpn.IlGpu.Bench;

/// <summary>Measures and summarises times.</summary>
internal static class Timing
{
    // Threads of the peer, or of this process, may spin for a while after their work, and would take the other's cores.
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(0.3);

    /// <summary>The time that some work takes, in ms.</summary>
    public static double Ms(Action work)
    {
        var began = Stopwatch.GetTimestamp();
        work();
        return Stopwatch.GetElapsedTime(began).TotalMilliseconds;
    }

    /// <summary>The same, and the CPU time of all threads of this process, in ms, which other processes do not lengthen.</summary>
    public static (double Ms, double CpuMs) MsAndCpuMs(Action work)
    {
        var cpu = Environment.CpuUsage.TotalTime;
        var ms = Ms(work);
        return (ms, (Environment.CpuUsage.TotalTime - cpu).TotalMilliseconds);
    }

    /// <summary>The middle value; for an even number of values, the mean of the two in the middle.</summary>
    public static double Median(IReadOnlyCollection<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    /// <summary>Waits until the threads that worked last have released the cores.</summary>
    public static void Pause() => Thread.Sleep(Rest);
}
