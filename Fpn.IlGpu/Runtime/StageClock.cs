using System.Diagnostics;

namespace Fpn.IlGpu.Runtime;

/// <summary>What one stage of a detection took.</summary>
/// <param name="Name">As the code names it: backbone, pyramid …</param>
/// <param name="Time">From its beginning to the next stage's, all queued work done.</param>
/// <param name="MultiplyAdds">Multiplications with their additions of its convolutions and matrix products.</param>
internal readonly record struct StageTime(string Name, TimeSpan Time, long MultiplyAdds);

/// <summary>
/// Times the stages of a detection for a listener (the bench). <see cref="Device.Stage"/> ends a stage and begins
/// the next. While someone listens, the host waits for the device at each border, so that the stages together take a
/// little longer than a detection takes otherwise; while nobody does, a stage costs a comparison with null.
/// </summary>
internal sealed class StageClock(Device device)
{
    private readonly List<StageTime> times = [];
    private string? running;
    private long began;
    private long multiplyAdds;

    /// <summary>Ends the stage that runs, and begins one.</summary>
    public void Begin(string name)
    {
        End();
        running = name;
        multiplyAdds = device.MultiplyAdds;
        began = Stopwatch.GetTimestamp();
    }

    /// <summary>Ends the last stage.</summary>
    /// <returns>All stages since the last call, in order.</returns>
    public IReadOnlyList<StageTime> Stop()
    {
        End();
        StageTime[] all = [.. times];
        times.Clear();
        return all;
    }

    private void End()
    {
        device.Synchronize();
        if (running is not null)
            times.Add(new StageTime(running, Stopwatch.GetElapsedTime(began), device.MultiplyAdds - multiplyAdds));
        running = null;
    }
}
