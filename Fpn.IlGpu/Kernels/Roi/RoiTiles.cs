using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.Algorithms;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// Which RoIs reach which tile of one level's map, in the order of the RoIs. With these lists, gradients of RoI pooling are gathered: the
/// thread that owns a pixel walks the few RoIs that may have read it, so that no two threads write to the same place, and sums are the
/// same in every run. A RoI may be listed where it reads nothing, but none is ever missing.
/// </summary>
internal sealed class RoiTiles : IDisposable
{
    /// <summary>Side of a tile, in level px.</summary>
    public const int Side = 8;

    // In level px. Pooling rounds corners and reads the neighbours of its samples, and a RoI is at least 1 px wide and high.
    private const int Reach = 2;

    private readonly DeviceArray<int> rois;
    private readonly DeviceArray<int> counts;

    private RoiTiles(DeviceArray<int> rois, DeviceArray<int> counts, Grid layout)
    {
        this.rois = rois;
        this.counts = counts;
        Layout = layout;
    }

    /// <summary>How the tiles are numbered.</summary>
    public Grid Layout { get; }

    /// <summary>The lists, as kernels read them.</summary>
    public Lists View => new(rois.View, counts.View);

    /// <summary>Finds the RoIs of all tiles; the caller disposes the result.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="list">The RoIs.</param>
    /// <param name="number">The level's number, 0 for the finest.</param>
    /// <param name="scale">Level px per input px: 1/4 for P2.</param>
    /// <param name="map">The level's map, [N, H, W, C].</param>
    public static RoiTiles Find(Device device, RoiList list, int number, float scale, Shape map)
    {
        var layout = new Grid(map.N, map.H, map.W, Division.CeilDiv(map.H, Side), Division.CeilDiv(map.W, Side), (int)list.Boxes.Length);
        var found = new RoiTiles(
            device.Rent<int>((long)layout.Tiles * layout.Capacity), device.Rent<int>(layout.Tiles), layout);
        device.Launch(Kernel, layout.Tiles, list.Boxes, list.Places, list.Count, new Level(number, scale), layout, found.View);
        return found;
    }

    /// <summary>One thread = one tile: lists the RoIs that reach it.</summary>
    internal static void Kernel(
        Index1D index, ArrayView<Box> boxes, ArrayView<RoiPlace> places, ArrayView<int> count, Level level, Grid grid, Lists lists)
    {
        var left = index % grid.Columns * Side;
        var top = index / grid.Columns % grid.Rows * Side;
        var picture = index / grid.Columns / grid.Rows;
        // Samples beyond the map's edge read its last pixel.
        var right = left + Side >= grid.W ? float.MaxValue : left + Side;
        var bottom = top + Side >= grid.H ? float.MaxValue : top + Side;
        var from = left == 0 ? -float.MaxValue : (float)left;
        var above = top == 0 ? -float.MaxValue : (float)top;
        var found = 0;
        for (var roi = 0; roi < count[0]; roi++)
        {
            var place = places[roi];
            if (place.Picture != picture || place.Level != level.Number)
                continue;
            var box = boxes[roi];
            if (XMath.Max(box.X1, box.X2) * level.Scale + Reach >= from && XMath.Min(box.X1, box.X2) * level.Scale - Reach <= right
                && XMath.Max(box.Y1, box.Y2) * level.Scale + Reach >= above && XMath.Min(box.Y1, box.Y2) * level.Scale - Reach <= bottom)
            {
                lists.Rois[index * grid.Capacity + found] = roi;
                found++;
            }
        }
        lists.Counts[index] = found;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        rois.Dispose();
        counts.Dispose();
    }

    internal readonly record struct Level(int Number, float Scale);

    /// <summary>The RoIs of each tile, [Tiles, Capacity], and how many there are, [Tiles].</summary>
    internal readonly record struct Lists(ArrayView<int> Rois, ArrayView<int> Counts);

    /// <summary>The tiles of a map, picture by picture and row by row.</summary>
    internal readonly record struct Grid(int N, int H, int W, int Rows, int Columns, int Capacity)
    {
        public int Tiles => N * Rows * Columns;

        /// <summary>Returns the tile of a pixel.</summary>
        public int At(int n, int y, int x) => (n * Rows + y / Side) * Columns + x / Side;
    }
}
