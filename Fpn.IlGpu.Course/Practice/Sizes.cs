namespace Fpn.IlGpu.Course;

/// <summary>A picture of H × W px in a padded map.</summary>
public readonly record struct PaddedSize(int H, int W, int PaddedH, int PaddedW);

/// <summary>A map, [H, W, C].</summary>
public readonly record struct MapSize(int H, int W, int C);

/// <summary>A 3×3 convolution with a padding of 1 px, from [H, W, C] to [OutputH, OutputW, K].</summary>
public readonly record struct ConvolutionSize(int H, int W, int C, int K, int Stride)
{
    public int OutputH => (H - 1) / Stride + 1;

    public int OutputW => (W - 1) / Stride + 1;
}

/// <summary>A matrix product, [M, C] · [C, K] = [M, K].</summary>
public readonly record struct ProductSize(int M, int C, int K);

/// <summary>A map [H, W, C], and the coarser map [TopH, TopW, C] above it.</summary>
public readonly record struct MergeSize(int H, int W, int TopH, int TopW, int C);

/// <summary>The anchors of a level: three at each of H × W positions, which are StridePx apart; all have the area SizePx².</summary>
public readonly record struct AnchorGrid(int H, int W, int StridePx, float SizePx)
{
    public int Anchors => H * W * 3;
}

/// <summary>What takes one box to another: the centre moves by fractions of the sides, and the sides grow by factors.</summary>
public readonly record struct Deltas(float X, float Y, float W, float H);

/// <summary>Boxes to suppress, best first.</summary>
/// <param name="Count">How many.</param>
/// <param name="Words">Words of 32 bits for each of them: ⌈Count / 32⌉.</param>
/// <param name="Threshold">A box is suppressed where its IoU with a better one is over this.</param>
public readonly record struct NmsSize(int Count, int Words, float Threshold);

/// <summary>A map [H, W, C] whose pixels are 1 / Scale input px apart, and Bins × Bins bins for each RoI.</summary>
public readonly record struct AlignSize(int H, int W, int C, float Scale, int Bins);

/// <summary>What a tile costs.</summary>
/// <param name="GlobalReads">Reads from global memory for one multiply-add.</param>
/// <param name="SharedReads">Reads from shared memory for one multiply-add.</param>
/// <param name="SharedBytes">Shared memory of a group, in bytes.</param>
public readonly record struct TileCounts(float GlobalReads, float SharedReads, int SharedBytes);
