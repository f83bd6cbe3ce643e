using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.Algorithms;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The pyramid level that a RoI is read from (paper, equation 1):
/// <code>k = ⌊k0 + log2(√(w·h) / s0) + ε⌋, clamped to the levels there are</code>
/// so that a RoI of s0 px goes to level k0. In the paper, 224 px, the side of ImageNet's crops, goes to P4. torchvision adds ε = 1e-6,
/// outside the logarithm.
/// </summary>
internal static class RoiLevels
{
    /// <summary>Writes where each RoI is read from.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="rois">[R], in input px.</param>
    /// <param name="pictures">[R]: the RoI's picture in the batch.</param>
    /// <param name="count">[1]: how many of the R RoIs count.</param>
    /// <param name="range">The levels of the pyramid.</param>
    /// <param name="places">[R]: each RoI's picture and its level, 0 for the finest.</param>
    public static void Run(
        Device device, ArrayView<Box> rois, ArrayView<int> pictures, ArrayView<int> count, Range range, ArrayView<RoiPlace> places)
        => device.Launch(Kernel, (int)rois.Length, rois, pictures, count, range, places);

    /// <summary>One thread = one RoI.</summary>
    internal static void Kernel(
        Index1D index, ArrayView<Box> rois, ArrayView<int> pictures, ArrayView<int> count, Range range, ArrayView<RoiPlace> places)
    {
        if (index < count[0])
            places[index] = new RoiPlace(pictures[index], Of(rois[index], range) - range.Finest);
    }

    /// <summary>Returns the number of a RoI's level: 2 for P2.</summary>
    public static int Of(Box roi, Range range)
    {
        var side = XMath.Sqrt(XMath.Max(roi.Area, 0));
        // For an empty box, the logarithm would be minus infinity.
        if (!(side > 0))
            return range.Finest;
        var level = XMath.Floor(range.Rule.CanonicalLevel + XMath.Log2(side / range.Rule.CanonicalSide) + range.Rule.Epsilon);
        return (int)XMath.Clamp(level, range.Finest, range.Coarsest);
    }

    /// <summary>The levels of the pyramid, and the rule that chooses among them.</summary>
    /// <param name="Finest">The number of the finest: 2 for P2.</param>
    /// <param name="Coarsest">The number of the coarsest: 5 for P5.</param>
    /// <param name="Rule">The constants of the formula.</param>
    internal readonly record struct Range(int Finest, int Coarsest, RoiLevelRule Rule);
}

/// <summary>The constants of the formula for a RoI's level (see <see cref="RoiLevels"/>).</summary>
/// <param name="CanonicalSide">s0, in input px.</param>
/// <param name="CanonicalLevel">k0: 4 for P4.</param>
/// <param name="Epsilon">ε.</param>
internal readonly record struct RoiLevelRule(float CanonicalSide, int CanonicalLevel, float Epsilon);
