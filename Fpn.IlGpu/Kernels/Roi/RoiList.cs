using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>One of the pyramid levels that RoIs are read from, which are parts of one array.</summary>
/// <param name="First">Index of the level's first value in the array.</param>
/// <param name="H">Rows of its map.</param>
/// <param name="W">Columns of its map.</param>
/// <param name="Scale">Level px per input px: 1/4 for P2.</param>
internal readonly record struct RoiLevel(int First, int H, int W, float Scale);

/// <summary>Where a RoI is read from: its picture in the batch, and its level, 0 for the finest.</summary>
internal readonly record struct RoiPlace(int Picture, int Level);

/// <summary>The RoIs of a batch.</summary>
/// <param name="Boxes">[R], in input px.</param>
/// <param name="Places">[R]: where each RoI is read from.</param>
/// <param name="Count">[1]: how many of the R RoIs count; the features of the others are left unchanged.</param>
internal readonly record struct RoiList(ArrayView<Box> Boxes, ArrayView<RoiPlace> Places, ArrayView<int> Count);
