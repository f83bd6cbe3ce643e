using ILGPU;
using ILGPU.Runtime;

namespace Fpn.IlGpu.Runtime;

/// <summary>
/// An open accelerator: its ILGPU context, one in-order stream, a memory pool and the compiled kernels.
/// </summary>
/// <remarks>
/// Several models may share a device, and any thread may use it, one at a time: code that queues work holds
/// <see cref="Lock"/>, as the detectors do.
/// </remarks>
public sealed partial class Device : IDisposable
{
    private readonly Context context;
    private readonly Accelerator accelerator;
    private readonly AcceleratorStream stream;
    private readonly Transfers transfers;
    private bool disposed;

    /// <summary>Opens an accelerator of a context, which becomes its own.</summary>
    internal Device(Context context, ILGPU.Runtime.Device device, DeviceInfo info, Precision precision = Precision.Fp32)
    {
        this.context = context;
        Info = info;
        Precision = precision;
        Intrinsics.Register(context);
        accelerator = device.CreateAccelerator(context);
        stream = accelerator.CreateStream();
        transfers = new Transfers(accelerator, stream, direct: info.Kind == DeviceKind.Cpu);
        Memory = new MemoryPool(accelerator, transfers);
        Threads = Environment.ProcessorCount;
        workers = info.Kind == DeviceKind.Cpu ? new CpuWorkers(Threads - 1) : null;
        Limits = DeviceLimits.Of(accelerator);
    }

    /// <summary>What was opened.</summary>
    public DeviceInfo Info { get; }

    /// <summary>Whether it is a GPU, and not a CPU by whatever driver.</summary>
    public bool IsGpu => Info.IsGpu;

    /// <summary>How exactly convolutions and matrix products multiply.</summary>
    public Precision Precision { get; }

    /// <summary>The most device memory held at once so far, in bytes.</summary>
    public long PeakMemoryBytes => Memory.PeakBytes;

    /// <summary>
    /// ILGPU's accelerator, for kernels of your own, such as on feature maps (<c>DeviceFeatureMap.View</c>). The device keeps it. The
    /// library's own work runs on another stream than <see cref="Accelerator.DefaultStream"/>.
    /// </summary>
    public Accelerator Accelerator => accelerator;

    /// <summary>Multiplications with their additions that convolutions and matrix products have been asked for so far.</summary>
    internal long MultiplyAdds { get; set; }

    /// <summary>How often the host has waited for the device: once a picture, when its results are fetched.</summary>
    internal int Synchronisations => transfers.Synchronisations;

    /// <summary>Who listens to how long the stages of detections take; as a rule nobody.</summary>
    internal StageClock? StageClock { get; set; }

    /// <summary>Who listens to the launches of kernels; as a rule nobody.</summary>
    internal LaunchLog? LaunchLog { get; set; }

    /// <summary>Held while work is queued.</summary>
    internal Lock Lock { get; } = new();

    /// <summary>The turns of asynchronous callers, who wait without a thread.</summary>
    internal SemaphoreSlim Turns { get; } = new(1, 1);

    /// <summary>Device memory.</summary>
    internal MemoryPool Memory { get; }

    /// <summary>The number of CPU threads that run kernels, where kernels run on a CPU.</summary>
    internal int Threads { get; }

    /// <summary>What it can hold at once.</summary>
    internal DeviceLimits Limits { get; set; }

    /// <summary>Lists this machine's accelerators; the one that <c>auto</c> takes is marked.</summary>
    /// <param name="options">Whether to count OpenCL devices in that ILGPU would leave out.</param>
    /// <exception cref="DeviceException">A driver fails.</exception>
    public static IReadOnlyList<DeviceInfo> List(DeviceOptions? options = null)
    {
        using var context = CreateContext(only: null);
        return [.. DeviceList.Describe(context, options ?? new DeviceOptions()).Select(d => d.Info)];
    }

    /// <summary>Opens an accelerator.</summary>
    /// <param name="name"><c>auto</c> (the best), <c>cpu</c>, <c>cuda</c>, <c>cuda:1</c>, <c>opencl</c>, <c>opencl:1</c>.</param>
    /// <param name="options">Rarely needed choices.</param>
    /// <exception cref="DeviceException">
    /// There is no such device, it can't do what the options ask for, or its driver fails.
    /// </exception>
    public static Device Open(string name = "auto", DeviceOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        options ??= new DeviceOptions();
        var context = CreateContext(DeviceList.ParseKind(name));
        try
        {
            var (device, info) = DeviceList.Choose(context, name, options);
            var precision = ChoosePrecision(info, options.Precision);
            if (options.AllowAnyOpenCl)
                OpenClOptIn.Apply(device);
            return new Device(context, device, info, precision);
        }
        catch (Exception e)
        {
            context.Dispose();
            if (e is DeviceException)
                throw;
            throw new DeviceException($"The device '{name}' could not be opened: {e.Message}", e);
        }
    }

    /// <summary>Rents a device array from the pool.</summary>
    internal DeviceArray<T> Rent<T>(long length)
        where T : unmanaged
        => Memory.Rent<T>(length);

    /// <summary>Rents a device array and fills it from the host.</summary>
    internal DeviceArray<T> Upload<T>(ReadOnlySpan<T> values)
        where T : unmanaged
    {
        var array = Rent<T>(values.Length);
        array.Upload(values);
        return array;
    }

    /// <summary>Runs work on the device; what its driver throws becomes a sentence for the user.</summary>
    /// <exception cref="DeviceException">The driver failed.</exception>
    /// <exception cref="ObjectDisposedException">The device was disposed.</exception>
    internal T Guard<T>(Func<T> work)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        try
        {
            return work();
        }
        catch (Exception e) when (e is AcceleratorException or InternalCompilerException)
        {
            throw new DeviceException(
                $"The device {Info.Id} ({Info.Name}) failed: {e.Message} A newer driver or another device may help.", e);
        }
    }

    /// <summary>A stage of a detection begins, and the one before it ends.</summary>
    internal void Stage(string name)
    {
        StageClock?.Begin(name);
        LaunchLog?.Stage(name);
    }

    /// <summary>Waits until all queued work is done.</summary>
    internal void Synchronize() => transfers.Synchronize();

    /// <summary>Frees its memory and closes the driver's context. Models on it can't be used afterwards.</summary>
    public void Dispose()
    {
        lock (Lock)
        {
            if (disposed)
                return;
            disposed = true;
            workers?.Dispose();
            Memory.Dispose();
            transfers.Dispose();
            stream.Dispose();
            accelerator.Dispose();
            context.Dispose();
        }
    }

    /// <summary>The precision that was asked for, or the device's own.</summary>
    /// <exception cref="DeviceException">The precision needs tensor cores, which the device does not have.</exception>
    internal static Precision ChoosePrecision(DeviceInfo info, Precision? wanted)
    {
        if (wanted is Precision.Tf32 or Precision.Fp16 && !info.HasTensorCores)
        {
            throw new DeviceException(
                $"The device '{info.Id}' ({info.Name}) can't multiply in {wanted.ToString()!.ToUpperInvariant()}: that takes the tensor "
                + "cores of an NVIDIA GPU of compute capability 8.0 or more, through CUDA. It can in FP32.");
        }
        return wanted ?? (info.HasTensorCores ? Precision.Tf32 : Precision.Fp32);
    }

    private static Context CreateContext(DeviceKind? only)
    {
        try
        {
            return DeviceList.CreateContext(only);
        }
        catch (Exception e)
        {
            // OpenCL's loader says that memory has run out if it may not open a driver's file.
            var reason = e is OutOfMemoryException
                ? "one ran out of memory, or of files that the process may open ('ulimit -n 1024' raises that limit)."
                : e.Message;
            throw new DeviceException($"The drivers of this machine's accelerators could not be asked: {reason}", e);
        }
    }
}
