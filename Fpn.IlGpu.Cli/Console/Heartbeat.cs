namespace Fpn.IlGpu.Cli;

/// <summary>
/// Lines at least some time apart. A long run writes one every ten seconds into a log or a pipe: there no line can be overwritten, and
/// silence looks like a run that hangs. Thread-safe.
/// </summary>
/// <param name="write">Writes a line.</param>
/// <param name="clock">The clock.</param>
/// <param name="interval">The time between two lines; null for ten seconds.</param>
internal sealed class Heartbeat(Action<string> write, TimeProvider clock, TimeSpan? interval = null)
{
    private readonly TimeSpan interval = interval ?? TimeSpan.FromSeconds(10);
    private readonly Lock gate = new();
    private long last = clock.GetTimestamp();

    /// <summary>
    /// The one of a command: it writes results, where they or the progress don't go to a terminal.
    /// </summary>
    public static Heartbeat Of(Screen screen, TimeProvider? clock = null) => new(
        line =>
        {
            if (!Screen.ResultsOnTerminal || !Screen.ProgressOnTerminal)
                screen.WriteLine(line);
        },
        clock ?? TimeProvider.System);

    /// <summary>Writes a line if the last one was long enough ago.</summary>
    public void Beat(Func<string> line)
    {
        lock (gate)
        {
            if (clock.GetElapsedTime(last) < interval)
                return;
            Rest();
            write(line());
        }
    }

    /// <summary>Says that a line has been written otherwise.</summary>
    public void Rest()
    {
        lock (gate)
            last = clock.GetTimestamp();
    }
}
