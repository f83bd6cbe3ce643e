namespace Fpn.IlGpu.Tensors;

/// <summary>The size of a tensor, [N, H, W, C]: channels are contiguous in memory.</summary>
/// <param name="N">Batch: pictures, or RoIs.</param>
/// <param name="H">Rows.</param>
/// <param name="W">Columns.</param>
/// <param name="C">Channels.</param>
public readonly record struct Shape(int N, int H, int W, int C)
{
    /// <summary>The number of elements.</summary>
    public long Length => (long)N * H * W * C;

    /// <summary>The number of positions, each with C channels. Must stay below 2³¹, as must the number of elements.</summary>
    public int Pixels => checked(N * H * W);

    /// <summary>The shape, in this library's notation: [N, H, W, C].</summary>
    public override string ToString() => $"[{N}, {H}, {W}, {C}]";
}
