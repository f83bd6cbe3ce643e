using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// How much of an operator's output one thread computes. A GPU wants one value a thread, neighbours side by side. A CPU
/// wants a few long runs a core, all channels of a pixel at once, because each run has a cost of its own and a SIMD loop
/// wants contiguous values.
/// </summary>
/// <param name="Pixels">Consecutive positions a thread.</param>
/// <param name="Channels">Consecutive channels a thread.</param>
internal readonly record struct Grain(int Pixels, int Channels)
{
    // Enough parts that uneven ones even out, few enough that starting them costs nothing.
    private const int PartsPerCpuThread = 8;

    /// <summary>The grain for pixels of so many channels on a device.</summary>
    public static Grain For(Device device, int pixels, int channels) => device.Info.Kind == DeviceKind.Cpu
        ? new Grain(Math.Max(1, Division.CeilDiv(pixels, device.Threads * PartsPerCpuThread)), channels)
        : new Grain(1, 1);

    /// <summary>The number of threads that cover the output.</summary>
    public int Threads(int pixels, int channels) => Division.CeilDiv(pixels, Pixels) * Division.CeilDiv(channels, Channels);
}
