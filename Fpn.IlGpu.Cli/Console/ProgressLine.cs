using System.Diagnostics;
using System.Globalization;

namespace Fpn.IlGpu.Cli;

/// <summary>A progress line: the pictures done, their rate, and the time left.</summary>
internal sealed class ProgressLine(Screen screen, int total)
{
    private TimeSpan firstDone;
    private readonly Stopwatch clock = Stopwatch.StartNew();
    private int done;

    /// <summary>Shows the line. Nothing is shown for a single picture.</summary>
    public void Start() => Show();

    /// <summary>Counts one more picture.</summary>
    public void Step()
    {
        done++;
        if (done == 1)
            firstDone = clock.Elapsed;
        Show();
    }

    /// <summary>Removes the line.</summary>
    public void Finish() => screen.Progress("");

    private void Show()
    {
        if (total > 1)
            screen.Progress(Text(done, total, clock.Elapsed - firstDone));
    }

    /// <summary>
    /// The line's text. The first picture includes compiling the kernels, so the rate is measured from when it was done.
    /// </summary>
    internal static string Text(int done, int total, TimeSpan sinceFirst)
    {
        var count = string.Create(CultureInfo.InvariantCulture, $"{done} of {total} pictures");
        if (done < 2 || done == total || sinceFirst <= TimeSpan.Zero)
            return count;
        var rate = (done - 1) / sinceFirst.TotalSeconds;
        var speed = rate >= 1
            ? string.Create(CultureInfo.InvariantCulture, $"{rate:F1} a second")
            : string.Create(CultureInfo.InvariantCulture, $"{1 / rate:F1} s each");
        return $"{count}, {speed}, {Duration(TimeSpan.FromSeconds((total - done) / rate))} left";
    }

    /// <summary>Formats a time with seconds, minutes or hours as the largest unit.</summary>
    internal static string Duration(TimeSpan time) => time.TotalSeconds switch
    {
        < 60 => string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(time.TotalSeconds):F0} s"),
        < 3600 => string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalMinutes} min {time.Seconds} s"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalHours} h {time.Minutes} min"),
    };
}
