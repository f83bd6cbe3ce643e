// Stand-in for KernelConfig and SharedMemoryConfig of ILGPU 1.5.3, used where the package feed lacks it.
namespace ILGPU;

/// <summary>How many groups a launch has, and how many threads each.</summary>
internal readonly struct KernelConfig
{
    public KernelConfig(Index1D gridDim, Index1D groupDim)
        : this(gridDim, groupDim, default(SharedMemoryConfig))
    {
    }

    public KernelConfig(Index1D gridDim, Index1D groupDim, SharedMemoryConfig sharedMemoryConfig)
        : this(new Index3D(gridDim.X, 1, 1), new Index3D(groupDim.X, 1, 1), sharedMemoryConfig)
    {
    }

    public KernelConfig(Index2D gridDim, Index2D groupDim)
        : this(new Index3D(gridDim.X, gridDim.Y, 1), new Index3D(groupDim.X, groupDim.Y, 1))
    {
    }

    public KernelConfig(Index3D gridDim, Index3D groupDim)
        : this(gridDim, groupDim, default)
    {
    }

    public KernelConfig(Index3D gridDim, Index3D groupDim, SharedMemoryConfig sharedMemoryConfig)
    {
        GridDim = gridDim;
        GroupDim = groupDim;
        SharedMemoryConfig = sharedMemoryConfig;
    }

    public Index3D GridDim { get; }

    public Index3D GroupDim { get; }

    public SharedMemoryConfig SharedMemoryConfig { get; }

    public bool IsValid => Index3D.Min(GridDim, Index3D.One) == Index3D.One && Index3D.Min(GroupDim,
        Index3D.One) == Index3D.One;

    public long Size => GridDim.LongSize * GroupDim.LongSize;

    public static implicit operator KernelConfig((Index1D, Index1D) dimensions) =>
        new(dimensions.Item1, dimensions.Item2);

    public static implicit operator KernelConfig((Index2D, Index2D) dimensions) =>
        new(dimensions.Item1, dimensions.Item2);

    public static implicit operator KernelConfig((Index3D, Index3D) dimensions) =>
        new(dimensions.Item1, dimensions.Item2);

    public static implicit operator KernelConfig((Index1D, Index1D, SharedMemoryConfig) dimensions) =>
        new(dimensions.Item1, dimensions.Item2, dimensions.Item3);
}

/// <summary>Shared memory whose size is known only at the launch.</summary>
internal readonly struct SharedMemoryConfig(int numElements, int elementSize)
{
    public int NumElements { get; } = numElements;

    public int ElementSize { get; } = elementSize;

    public int ArraySize => NumElements * ElementSize;

    public static unsafe SharedMemoryConfig RequestDynamic<T>(int numElements) where T : unmanaged =>
        new(numElements, sizeof(T));
}
