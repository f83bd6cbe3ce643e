// Stand-in for what a kernel thread knows of itself of ILGPU 1.5.3, used where the package feed lacks it.
namespace ILGPU.Runtime.CPU;

/// <summary>The thread of a group that the current thread is.</summary>
internal sealed class GroupThread(GroupLaunch launch, int index)
{
    [ThreadStatic]
    private static GroupThread? current;

    private readonly object bed = new();
    private bool isWoken;
    private int allocations;

    public static GroupThread Current =>
        current ?? throw new InvalidOperationException(
            "Groups are known only inside kernels that were loaded by LoadKernel or LoadStreamKernel.");

    public GroupLaunch Launch { get; } = launch;

    public int Index { get; } = index;

    public Index3D IndexInGroup { get; } = IndexOf<Index3D>.At(index, launch.GroupDim);

    public Index3D Group { get; private set; }

    public static void Enter(GroupThread thread) => current = thread;

    public static void Leave() => current = null;

    /// <summary>Waits for one <see cref="Wake"/>, which may have come already.</summary>
    public void Sleep()
    {
        lock (bed)
        {
            while (!isWoken)
                Monitor.Wait(bed);
            isWoken = false;
        }
    }

    public void Wake()
    {
        lock (bed)
        {
            isWoken = true;
            Monitor.Pulse(bed);
        }
    }

    public void Begin(Index3D group)
    {
        Group = group;
        allocations = 0;
        LocalArena.OfThisThread.Clear();
    }

    public ArrayView<T> AllocateShared<T>(int length) where T : unmanaged => Launch.Shared<T>(allocations++, length);
}
