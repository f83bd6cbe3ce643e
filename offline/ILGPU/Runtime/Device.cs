// Stand-in for Device of ILGPU 1.5.3, used where the package feed lacks it.
namespace ILGPU.Runtime;

/// <summary>A device that accelerators can be created on.</summary>
internal abstract class Device(AcceleratorType acceleratorType)
{
    public AcceleratorType AcceleratorType { get; } = acceleratorType;

    public string Name { get; protected init; } = "<Unknown>";

    public long MemorySize { get; protected init; }

    public int WarpSize { get; protected init; }

    public int MaxNumThreadsPerGroup { get; protected init; }

    public int MaxNumThreadsPerMultiprocessor { get; protected init; }

    public int NumMultiprocessors { get; protected init; }

    public int MaxSharedMemoryPerGroup { get; protected init; }

    public int MaxConstantMemory { get; protected init; }

    public Index3D MaxGridSize { get; protected init; }

    public Index3D MaxGroupSize { get; protected init; }

    public int MaxNumThreads => NumMultiprocessors * MaxNumThreadsPerMultiprocessor;

    public CapabilityContext Capabilities { get; protected init; } = new();

    public abstract Accelerator CreateAccelerator(Context context);

    public override string ToString() => $"{Name} [Type: {AcceleratorType}]";
}

/// <summary>What a device can do beside the basics.</summary>
internal class CapabilityContext
{
    public bool Float16 { get; internal set; }

    public bool Float64 { get; internal set; } = true;
}
