using System.Numerics;
using System.Runtime.CompilerServices;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.IR.Intrinsics;
using static Fpn.IlGpu.Kernels.RoiAlignBackward;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// <see cref="RoiAlignBackward"/> on a CPU. A thread owns a tile. It computes a RoI's weights once for the tile's rows and once for its
/// columns, and adds to each pixel the few bins that reach it, many channels at a time, with their sums in registers.
/// </summary>
internal static class RoiAlignBackwardOnCpu
{
    private const int VectorsAtOnce = 4;

    /// <summary>One thread = one tile.</summary>
    [CpuKernel]
    internal static void Kernel(
        Index1D tile, ArrayView<float> outputGradient, ArrayView<Box> boxes, RoiTiles.Lists lists, Sizes sizes,
        ArrayView<float> inputGradient)
        => GatherTile(outputGradient, boxes, lists, sizes, tile, inputGradient);

    /// <summary>Gathers the gradients of one tile.</summary>
    [IntrinsicImplementation]
    public static void GatherTile(
        ArrayView<float> outputGradient, ArrayView<Box> boxes, RoiTiles.Lists lists, Sizes sizes, int tile,
        ArrayView<float> inputGradient)
    {
        var count = lists.Counts[tile];
        if (count == 0)
            return;
        var rows = new float[RoiTiles.Side * sizes.Bins];
        var columns = new float[RoiTiles.Side * sizes.Bins];
        var bins = new WeightedBin[sizes.Bins * sizes.Bins];
        var grid = sizes.Grid;
        var left = tile % grid.Columns * RoiTiles.Side;
        var top = tile / grid.Columns % grid.Rows * RoiTiles.Side;
        var first = (tile / grid.Columns / grid.Rows * grid.H + top) * grid.W + left;
        for (var k = 0; k < count; k++)
        {
            var roi = lists.Rois[tile * grid.Capacity + k];
            var box = boxes[roi];
            if (!Weigh(Axis.Of(box.Y1, box.Y2, sizes, grid.H), top, sizes.Bins, rows)
                || !Weigh(Axis.Of(box.X1, box.X2, sizes, grid.W), left, sizes.Bins, columns))
            {
                continue;
            }
            for (var i = 0; i < RoiTiles.Side * RoiTiles.Side; i++)
            {
                var (y, x) = (i / RoiTiles.Side, i % RoiTiles.Side);
                if (top + y >= grid.H || left + x >= grid.W)
                    continue;
                var reaching = Reaching(
                    roi, rows.AsSpan(y * sizes.Bins, sizes.Bins), columns.AsSpan(x * sizes.Bins, sizes.Bins), sizes.C, bins);
                if (reaching > 0)
                    Add(outputGradient, bins.AsSpan(0, reaching), (first + y * grid.W + x) * sizes.C, sizes.C, inputGradient);
            }
        }
    }

    /// <summary>Computes the weight of each of a tile's rows, or columns, in each bin. Returns false if all are 0.</summary>
    private static bool Weigh(Axis axis, int first, int bins, float[] weights)
    {
        var any = false;
        for (var i = 0; i < weights.Length; i++)
        {
            var pixel = first + i / bins;
            weights[i] = pixel < axis.Size ? axis.Weight(i % bins, pixel) : 0;
            any |= weights[i] > 0;
        }
        return any;
    }

    /// <summary>Collects the bins that reach a pixel, and returns how many there are.</summary>
    private static int Reaching(int roi, ReadOnlySpan<float> rows, ReadOnlySpan<float> columns, int channels, Span<WeightedBin> bins)
    {
        var count = 0;
        for (var i = 0; i < rows.Length; i++)
        {
            for (var j = 0; j < columns.Length && rows[i] > 0; j++)
            {
                if (rows[i] * columns[j] is > 0 and var weight)
                    bins[count++] = new WeightedBin(((roi * rows.Length + i) * columns.Length + j) * channels, weight);
            }
        }
        return count;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Add(
        ArrayView<float> outputGradient, ReadOnlySpan<WeightedBin> bins, int to, int channels, ArrayView<float> inputGradient)
    {
        // Bins are in ascending order, so that one bounds check of the last one is enough.
        _ = outputGradient[bins[^1].First + channels - 1];
        ref var from = ref outputGradient[0];
        var sums = ChannelRun.Span(inputGradient, to, channels);
        ref var sum = ref sums[0];
        var step = Vector<float>.Count;
        var c = 0;
        for (; c + VectorsAtOnce * step <= channels; c += VectorsAtOnce * step)
        {
            ref var own = ref Unsafe.Add(ref sum, c);
            var a = Vector.LoadUnsafe(ref own);
            var b = Vector.LoadUnsafe(ref own, (nuint)step);
            var d = Vector.LoadUnsafe(ref own, (nuint)(2 * step));
            var e = Vector.LoadUnsafe(ref own, (nuint)(3 * step));
            foreach (ref readonly var bin in bins)
            {
                ref var values = ref Unsafe.Add(ref from, bin.First + c);
                var weight = new Vector<float>(bin.Weight);
                a = Vector.MultiplyAddEstimate(Vector.LoadUnsafe(ref values), weight, a);
                b = Vector.MultiplyAddEstimate(Vector.LoadUnsafe(ref values, (nuint)step), weight, b);
                d = Vector.MultiplyAddEstimate(Vector.LoadUnsafe(ref values, (nuint)(2 * step)), weight, d);
                e = Vector.MultiplyAddEstimate(Vector.LoadUnsafe(ref values, (nuint)(3 * step)), weight, e);
            }
            a.StoreUnsafe(ref own);
            b.StoreUnsafe(ref own, (nuint)step);
            d.StoreUnsafe(ref own, (nuint)(2 * step));
            e.StoreUnsafe(ref own, (nuint)(3 * step));
        }
        for (; c < channels; c++)
        {
            foreach (ref readonly var bin in bins)
                sums[c] += bin.Weight * Unsafe.Add(ref from, bin.First + c);
        }
    }

    /// <summary>Index of the first value of a bin's gradient, and the bin's weight.</summary>
    private readonly record struct WeightedBin(int First, float Weight);
}
