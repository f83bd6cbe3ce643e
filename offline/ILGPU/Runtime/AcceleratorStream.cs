// Stand-in for AcceleratorStream of ILGPU 1.5.3, used where the package feed lacks it.
#pragma warning disable CA1822 // instance members there, although they need no instance here
using ILGPU.Runtime.CPU;

namespace ILGPU.Runtime;

/// <summary>A sequence of launches; each has finished when its call returns.</summary>
internal sealed class AcceleratorStream : IDisposable
{
    internal AcceleratorStream(Accelerator accelerator) => Accelerator = accelerator;

    public Accelerator Accelerator { get; }

    public bool IsDisposed { get; private set; }

    public void Synchronize() => ObjectDisposedException.ThrowIf(IsDisposed, this);

    public Task SynchronizeAsync() => Task.CompletedTask;

    public void Dispose() => IsDisposed = true;

    internal void Run(long count, ItemRange body)
    {
        RequireOpen();
        ItemWorkers.Shared.Run(count, body);
    }

    internal void RunGroups(in KernelConfig config, Action kernel)
    {
        RequireOpen();
        GroupLaunch.Run(Accelerator.Device, config, kernel);
    }

    private void RequireOpen()
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        ObjectDisposedException.ThrowIf(Accelerator.IsDisposed, Accelerator);
    }
}
