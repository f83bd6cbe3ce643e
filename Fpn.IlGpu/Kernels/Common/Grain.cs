using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// How much of an operator's output one thread computes. On a GPU it is one value, and neighbouring threads compute neighbouring
/// values. On a CPU it is a long run of pixels with all their channels, a few runs for each core: each of ILGPU's CPU threads costs a
/// barrier, and a SIMD loop needs contiguous values.
/// </summary>
/// <param name="Pixels">Consecutive pixels, or elements, per thread.</param>
/// <param name="Channels">Consecutive channels per thread.</param>
internal readonly record struct Grain(int Pixels, int Channels)
{
    // Enough parts for an even load, and few enough that the cost of starting them does not show.
    private const int PartsPerCpuThread = 8;

    /// <summary>Returns the grain for an output with these numbers of pixels and channels on a device.</summary>
    public static Grain For(Device device, int pixels, int channels) => device.Info.Kind == DeviceKind.Cpu
        ? new Grain(Math.Max(1, Division.CeilDiv(pixels, device.Threads * PartsPerCpuThread)), channels)
        : new Grain(1, 1);

    /// <summary>Returns the number of threads that cover the output.</summary>
    public int Threads(int pixels, int channels) => Division.CeilDiv(pixels, Pixels) * Division.CeilDiv(channels, Channels);
}
