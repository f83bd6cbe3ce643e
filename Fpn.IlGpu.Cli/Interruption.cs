using System.Runtime.InteropServices;

namespace Fpn.IlGpu.Cli;

/// <summary>
/// Turns the first Ctrl-C (or a request to terminate) into a request to stop after the current picture; a second one
/// ends the process at once, as it would without this.
/// </summary>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource source = new();
    private readonly Screen screen;
    private readonly PosixSignalRegistration[] registrations;

    public Interruption(Screen screen)
    {
        this.screen = screen;
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
        foreach (PosixSignalRegistration registration in registrations)
        {
            registration.Dispose();
        }
        source.Dispose();
    }

    private void Handle(PosixSignalContext context)
    {
        if (source.IsCancellationRequested)
        {
            return;
        }
        context.Cancel = true;
        source.Cancel();
        screen.Error("Stopping after the current picture; Ctrl-C again stops at once.");
    }
}
