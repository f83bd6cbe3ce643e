using System.Globalization;

namespace Fpn.IlGpu.Cli;

/// <summary>The progress of a work on pictures that is done before, or between, what a command is for.</summary>
/// <param name="screen">The screen.</param>
/// <param name="heartbeat">Where no line can be overwritten.</param>
/// <param name="doing">The work, such as <c>Checking the pictures</c>.</param>
/// <param name="total">The number of pictures.</param>
internal sealed class CheckingLine(Screen screen, Heartbeat heartbeat, string doing, int total) : IProgress<int>
{
    // More often, writing takes more time than checking.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly Heartbeat shown = new(line => screen.Progress(Screen.Cut(line)), TimeProvider.System, Pause);

    /// <inheritdoc/>
    public void Report(int value)
    {
        shown.Beat(() => Text(doing, value, total));
        heartbeat.Beat(() => $"{Text(doing, value, total)}.");
    }

    /// <summary>The line's text.</summary>
    internal static string Text(string doing, int done, int total)
        => string.Create(CultureInfo.InvariantCulture, $"{doing}: {done} of {total}");
}
