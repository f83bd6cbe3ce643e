using System.Runtime.InteropServices;

namespace Fpn.IlGpu.Cli;

/// <summary>
/// Turns the first Ctrl-C, SIGTERM or SIGHUP (the terminal was closed) into a request to stop cleanly. A second one ends the process
/// immediately, as it would without this class. Nobody sends a second SIGTERM or SIGHUP, so after one of these the process also ends
/// if something blocks for longer than the patience.
/// </summary>
internal sealed class Interruption : IDisposable
{
    /// <summary>Longer than a picture, or what else is finished, should take; shorter than systems wait before they kill.</summary>
    private static readonly TimeSpan UsualPatience = TimeSpan.FromSeconds(8);

    private readonly CancellationTokenSource source = new();
    private readonly Screen screen;
    private readonly string sentence;
    private readonly TimeSpan patience;
    private readonly PosixSignalRegistration[] registrations;
    private Timer? end;

    /// <summary>Starts listening for signals. A signal that the process was started to ignore, as by nohup, stays ignored.</summary>
    /// <param name="screen">The screen that shows the sentence.</param>
    /// <param name="sentence">The sentence that tells the user how or when the command stops.</param>
    /// <param name="patience">How long stopping may take after SIGTERM or SIGHUP; null for some seconds.</param>
    public Interruption(Screen screen, string sentence, TimeSpan? patience = null)
    {
        this.screen = screen;
        this.sentence = sentence;
        this.patience = patience ?? UsualPatience;
        registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle),
            PosixSignalRegistration.Create(PosixSignal.SIGHUP, Handle),
        ];
    }

    /// <summary>Cancelled when the user asks the command to stop.</summary>
    public CancellationToken Token => source.Token;

    public void Dispose()
    {
        foreach (var registration in registrations)
            registration.Dispose();
        end?.Dispose();
        source.Dispose();
    }

    private void Handle(PosixSignalContext context)
    {
        if (source.IsCancellationRequested)
            return;
        context.Cancel = true;
        // Before anything else, which may block too.
        if (context.Signal != PosixSignal.SIGINT)
            end = new Timer(_ => Environment.Exit(ExitCode.Interrupted), null, patience, Timeout.InfiniteTimeSpan);
        source.Cancel();
        screen.Error(sentence);
    }
}
