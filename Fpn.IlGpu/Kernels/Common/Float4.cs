namespace Fpn.IlGpu.Kernels;

/// <summary>Four floats, which a GPU loads and stores in one instruction if they begin on a multiple of 16 bytes.</summary>
internal readonly record struct Float4(float X, float Y, float Z, float W)
{
    /// <summary>Returns this + other.</summary>
    public Float4 Plus(Float4 other) => new(X + other.X, Y + other.Y, Z + other.Z, W + other.W);

    /// <summary>Returns this + x · w.</summary>
    public Float4 Add(float x, Float4 w) => new(X + x * w.X, Y + x * w.Y, Z + x * w.Z, W + x * w.W);
}

/// <summary>The sums of one pixel for four neighbouring channels, and for four more.</summary>
internal readonly record struct RowSums(Float4 Low, Float4 High)
{
    /// <summary>Returns this + x · w.</summary>
    public RowSums Add(float x, RowSums w) => new(Low.Add(x, w.Low), High.Add(x, w.High));
}

/// <summary>
/// The sums of eight pixels × eight channels: 64 scalars, which stay in registers. An array would be in local memory.
/// </summary>
internal readonly record struct TileSums(
    RowSums P0, RowSums P1, RowSums P2, RowSums P3, RowSums P4, RowSums P5, RowSums P6, RowSums P7)
{
    /// <summary>Returns this + the outer product of the values of eight pixels (x, then x4) and the weights of eight channels.</summary>
    public TileSums Add(Float4 x, Float4 x4, RowSums w) => new(
        P0.Add(x.X, w), P1.Add(x.Y, w), P2.Add(x.Z, w), P3.Add(x.W, w),
        P4.Add(x4.X, w), P5.Add(x4.Y, w), P6.Add(x4.Z, w), P7.Add(x4.W, w));
}
