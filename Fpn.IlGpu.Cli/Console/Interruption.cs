using System.Runtime.InteropServices;

namespace Fpn.IlGpu.Cli;

/// <summary>
/// Turns the first Ctrl-C (or a request to terminate) into a request to stop in good order; a second one ends the
/// process at once, as it would without this.
/// </summary>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource source = new();
    private readonly Screen screen;
    private readonly string sentence;
    private readonly PosixSignalRegistration[] registrations;

    /// <summary>Listens from now on.</summary>
    /// <param name="screen">Where it is said that the command stops.</param>
    /// <param name="sentence">What is said: how, or when, it stops.</param>
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

    /// <summary>Cancelled once the user wants the command to stop.</summary>
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
