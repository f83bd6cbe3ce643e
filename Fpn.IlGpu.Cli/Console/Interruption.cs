using System.Runtime.InteropServices;

namespace Fpn.IlGpu.Cli;

/// <summary>
/// Turns the first Ctrl-C (or SIGTERM) into a request to stop cleanly. A second one ends the process immediately, as it
/// would without this class.
/// </summary>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource source = new();
    private readonly Screen screen;
    private readonly string sentence;
    private readonly PosixSignalRegistration[] registrations;

    /// <summary>Starts listening for signals.</summary>
    /// <param name="screen">The screen that shows the sentence.</param>
    /// <param name="sentence">The sentence that tells the user how or when the command stops.</param>
    public Interruption(Screen screen, string sentence)
    {
        this.screen = screen;
        this.sentence = sentence;
        registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle),
        ];
    }

    /// <summary>Cancelled when the user asks the command to stop.</summary>
    public CancellationToken Token => source.Token;

    public void Dispose()
    {
        foreach (var registration in registrations)
            registration.Dispose();
        source.Dispose();
    }

    private void Handle(PosixSignalContext context)
    {
        if (source.IsCancellationRequested)
            return;
        context.Cancel = true;
        source.Cancel();
        screen.Error(sentence);
    }
}
