using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>What a convolution adds to its sums before the activation.</summary>
internal enum Residual
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>A map of the output's size: the shortcut of a residual block.</summary>
    SameSize,

    /// <summary>A coarser map, upsampled to the output's size: the top-down pathway of a pyramid.</summary>
    Upsampled,
}

/// <summary>
/// Nearest-neighbour upsampling: output (y, x) reads (⌊y · Ht / H⌋, ⌊x · Wt / W⌋). The ratio is a float32, as in
/// PyTorch, so that both read the same pixel everywhere.
/// </summary>
internal readonly record struct NearestUpsampling(int TopH, int TopW, float RatioY, float RatioX)
{
    /// <summary>Returns the upsampling from a map to the size of an output.</summary>
    public static NearestUpsampling Between(Shape top, Shape output)
        => new(top.H, top.W, (float)top.H / output.H, (float)top.W / output.W);

    /// <summary>Returns the pixel of [N, Ht, Wt] that an output pixel reads.</summary>
    public int PixelAt(int n, int y, int x)
    {
        var topY = IntrinsicMath.Min((int)(y * RatioY), TopH - 1);
        var topX = IntrinsicMath.Min((int)(x * RatioX), TopW - 1);
        return (n * TopH + topY) * TopW + topX;
    }
}
