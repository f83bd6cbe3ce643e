using ILGPU.Runtime;

namespace Fpn.IlGpu.Runtime;

/// <summary>What a device can hold at once.</summary>
/// <param name="GroupThreads">The most threads of a group.</param>
/// <param name="SharedBytes">The most memory that a group's threads share, in bytes.</param>
/// <param name="Multiprocessors">How many of CUDA's multiprocessors, or OpenCL's compute units, it has.</param>
internal sealed record DeviceLimits(int GroupThreads, int SharedBytes, int Multiprocessors)
{
    /// <summary>What its driver says.</summary>
    public static DeviceLimits Of(Accelerator accelerator)
        => new(accelerator.MaxNumThreadsPerGroup, accelerator.MaxSharedMemoryPerGroup, accelerator.NumMultiprocessors);
}
