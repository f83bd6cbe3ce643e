using Fpn.IlGpu.Runtime;
using ILGPU;
using ILGPU.Algorithms;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// A batch norm with its running statistics, as the factor and the offset of each channel that are folded into the convolution before it:
/// <code>
/// scale[c] = γ[c] / √(σ²[c] + ε)
/// shift[c] = (shift[c] − μ[c]) · scale[c] + β[c]      at first, shift is the convolution's bias
/// </code>
/// </summary>
internal static class BatchNormFold
{
    /// <summary>Computes factors and offsets.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="affine">γ and β, [C] each.</param>
    /// <param name="running">The running μ and σ², [C] each.</param>
    /// <param name="epsilon">ε.</param>
    /// <param name="scale">Receives the factors, [C].</param>
    /// <param name="shift">The bias of the convolution; receives the offsets, [C].</param>
    public static void Run(
        Device device, BatchNorm.Affine affine, BatchNorm.Running running, float epsilon, ArrayView<float> scale, ArrayView<float> shift)
        => device.Launch(Kernel, (int)scale.Length, affine, running, epsilon, scale, shift);

    /// <summary>One thread = one channel.</summary>
    internal static void Kernel(
        Index1D index, BatchNorm.Affine affine, BatchNorm.Running running, float epsilon, ArrayView<float> scale, ArrayView<float> shift)
    {
        scale[index] = affine.Gamma[index] / XMath.Sqrt(running.Variance[index] + epsilon);
        shift[index] = (shift[index] - running.Mean[index]) * scale[index] + affine.Beta[index];
    }
}
