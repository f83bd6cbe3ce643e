// Stand-in for MemoryFence of ILGPU 1.5.3, used where the package feed lacks it.
namespace ILGPU;

/// <summary>Makes what a thread wrote visible to others, before what it writes next.</summary>
internal static class MemoryFence
{
    public static void GroupLevel() => Interlocked.MemoryBarrier();

    public static void DeviceLevel() => Interlocked.MemoryBarrier();

    public static void SystemLevel() => Interlocked.MemoryBarrier();
}
