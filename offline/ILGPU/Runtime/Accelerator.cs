// Stand-in for Accelerator of ILGPU 1.5.3, used where the package feed lacks it.
namespace ILGPU.Runtime;

/// <summary>A device in use: memory, streams, kernels.</summary>
internal abstract class Accelerator : IDisposable
{
    private readonly HashSet<MemoryBuffer> buffers = [];

    private protected Accelerator(Context context, Device device)
    {
        Context = context;
        Device = device;
        DefaultStream = new AcceleratorStream(this);
    }

    public Context Context { get; }

    public Device Device { get; }

    public AcceleratorStream DefaultStream { get; }

    public bool IsDisposed { get; private set; }

    public AcceleratorType AcceleratorType => Device.AcceleratorType;

    public string Name => Device.Name;

    public long MemorySize => Device.MemorySize;

    public int WarpSize => Device.WarpSize;

    public int MaxNumThreadsPerGroup => Device.MaxNumThreadsPerGroup;

    public int MaxNumThreadsPerMultiprocessor => Device.MaxNumThreadsPerMultiprocessor;

    public int MaxNumThreads => Device.MaxNumThreads;

    public int MaxSharedMemoryPerGroup => Device.MaxSharedMemoryPerGroup;

    public int NumMultiprocessors => Device.NumMultiprocessors;

    public Index3D MaxGridSize => Device.MaxGridSize;

    public Index3D MaxGroupSize => Device.MaxGroupSize;

    public CapabilityContext Capabilities => Device.Capabilities;

    public MemoryBuffer1D<T, Stride1D.Dense> Allocate1D<T>(long length) where T : unmanaged
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        return new(this, length);
    }

    public AcceleratorStream CreateStream() => new(this);

    /// <summary>Makes it the calling thread's: nothing here depends on threads.</summary>
    public void Bind() => ObjectDisposedException.ThrowIf(IsDisposed, this);

    /// <summary>Everything has finished when its call returned, so there is nothing to wait for.</summary>
    public void Synchronize() => ObjectDisposedException.ThrowIf(IsDisposed, this);

    public void Dispose()
    {
        IsDisposed = true;
        MemoryBuffer[] left;
        lock (buffers)
            left = [.. buffers];
        foreach (var buffer in left)
            buffer.Dispose();
    }

    public override string ToString() => Device.ToString();

    internal void Adopt(MemoryBuffer buffer)
    {
        lock (buffers)
            buffers.Add(buffer);
    }

    internal void Forget(MemoryBuffer buffer)
    {
        lock (buffers)
            buffers.Remove(buffer);
    }
}
