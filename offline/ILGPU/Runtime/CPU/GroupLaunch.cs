// Stand-in for the explicitly grouped launches of CPUAccelerator of ILGPU 1.5.3, used where the package feed lacks it.
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace ILGPU.Runtime.CPU;

/// <summary>
/// A launch with groups. The groups run one after the other; the threads of a group run at the same time, each on a
/// thread of its own.
/// </summary>
internal sealed unsafe class GroupLaunch
{
    private const int Alignment = 64;

    private readonly GroupGate gate = new();
    private readonly PhaseBarrier endOfGroup;
    private readonly List<(nint Memory, int Bytes)> shared = [];
    private readonly Action kernel;

    private GroupLaunch(Device device, in KernelConfig config, Action kernel)
    {
        this.kernel = kernel;
        GridDim = config.GridDim;
        GroupDim = config.GroupDim;
        Threads = GroupDim.Size;
        WarpSize = device.WarpSize;
        DynamicSharedBytes = config.SharedMemoryConfig.ArraySize;
        Barrier = new PhaseBarrier(gate, Threads);
        endOfGroup = new PhaseBarrier(gate, Threads);
        WarpBarriers = new PhaseBarrier[(Threads + WarpSize - 1) / WarpSize];
        for (int i = 0; i < WarpBarriers.Length; i++)
            WarpBarriers[i] = new PhaseBarrier(gate, Math.Min(WarpSize, Threads - i * WarpSize));
    }

    public Index3D GridDim { get; }

    public Index3D GroupDim { get; }

    public int Threads { get; }

    public int WarpSize { get; }

    public int DynamicSharedBytes { get; }

    public PhaseBarrier Barrier { get; }

    public PhaseBarrier[] WarpBarriers { get; }

    public static void Run(Device device, in KernelConfig config, Action kernel)
    {
        if (!config.IsValid)
            throw new ArgumentOutOfRangeException(nameof(config), "The grid and the groups of a launch need a size.");
        if (config.GroupDim.LongSize > device.MaxNumThreadsPerGroup)
        {
            throw new NotSupportedException(
                $"A group of {config.GroupDim.LongSize} threads was asked for; "
                + $"the device has {device.MaxNumThreadsPerGroup}.");
        }

        var launch = new GroupLaunch(device, config, kernel);
        try
        {
            GroupThreads.Run(launch.Threads, launch.RunThread);
        }
        finally
        {
            foreach (var (memory, _) in launch.shared)
                NativeMemory.AlignedFree((void*)memory);
        }

        if (launch.gate.Failure is { } failure)
            ExceptionDispatchInfo.Throw(failure);
    }

    /// <summary>The memory that the n-th allocation of every thread names, made by the first that asks.</summary>
    public ArrayView<T> Shared<T>(int allocation, int length) where T : unmanaged
    {
        int bytes = checked(length * sizeof(T));
        lock (gate)
        {
            gate.ThrowIfFailed();
            if (allocation == shared.Count)
            {
                int size = Math.Max(Alignment, bytes);
                var memory = NativeMemory.AlignedAlloc((nuint)size, Alignment);
                NativeMemory.Fill(memory, (nuint)size, 0xFF);
                shared.Add(((nint)memory, bytes));
            }

            if (allocation > shared.Count || shared[allocation].Bytes != bytes)
            {
                throw new InvalidOperationException(
                    "Threads of a group must allocate the same shared memory in the same order.");
            }

            return new((T*)shared[allocation].Memory, length);
        }
    }

    private void RunThread(int index)
    {
        var thread = new GroupThread(this, index);
        GroupThread.Enter(thread);
        gate.Enter(thread);
        try
        {
            long groups = GridDim.LongSize;
            for (long group = 0; group < groups; group++)
            {
                thread.Begin(IndexOf<Index3D>.At(group, GridDim));
                kernel();
                Barrier.Finish();
                WarpBarriers[index / WarpSize].Finish();
                LeaveGroup();
            }
        }
        catch (GroupAbandonedException)
        {
            // The failure itself is kept, and thrown on the launching thread.
        }
        catch (Exception exception)
        {
            gate.Fail(exception);
        }
        finally
        {
            LocalArena.OfThisThread.Clear();
            GroupThread.Leave();
        }
    }

    // Two barriers, so that one thread can tidy up between them while no other is in the kernel.
    private void LeaveGroup()
    {
        endOfGroup.Arrive();
        if (GroupThread.Current.Index == 0)
        {
            Barrier.Reset();
            foreach (var barrier in WarpBarriers)
                barrier.Reset();
            foreach (var (memory, bytes) in shared)
                NativeMemory.Fill((void*)memory, (nuint)bytes, 0xFF);
        }

        endOfGroup.Arrive();
    }
}
