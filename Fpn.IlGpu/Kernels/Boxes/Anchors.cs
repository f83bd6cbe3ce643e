using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// One level's grid of anchors: the index of its first anchor among all, its rows and columns, and its stride in input px.
/// </summary>
internal readonly record struct AnchorLevel(int First, int H, int W, int StrideY, int StrideX);

/// <summary>What kernels need to compute any anchor: the cells [L, A, 4] in input px, and the grids of the levels [L].</summary>
internal readonly record struct AnchorGrids(ArrayView<float> Cells, ArrayView<AnchorLevel> Levels);

/// <summary>
/// Anchors (paper, section 4.1): at each position of each level, A boxes around the position's corner at (x · stride, y · stride), with
/// the level's scales s and aspect ratios r = h / w:
/// <code>w = s / √r, h = s · √r; box = round(−w/2, −h/2, w/2, h/2) + (x, y, x, y) · stride</code>
/// Order: level, y, x, a. Rounding the cells' corners (half to even) is torchvision's convention; Detectron2 does not round them.
/// </summary>
internal sealed class Anchors : IDisposable
{
    private readonly DeviceArray<float> cells;
    private readonly bool stridesDouble;

    /// <summary>Uploads the cells of all levels to a device.</summary>
    /// <param name="device">The device to upload to.</param>
    /// <param name="sizes">[level][scale], in input px.</param>
    /// <param name="aspectRatios">h / w.</param>
    /// <param name="round">Whether corners are rounded to whole px.</param>
    /// <param name="stridesDouble">Whether each level's stride is twice that of the next finer level; otherwise it is input / map.</param>
    public Anchors(Device device, float[][] sizes, float[] aspectRatios, bool round, bool stridesDouble)
    {
        this.stridesDouble = stridesDouble;
        Levels = sizes.Length;
        PerLocation = sizes[0].Length * aspectRatios.Length;
        cells = device.Upload<float>(sizes.SelectMany(s => Cells(s, aspectRatios, round)).ToArray());
    }

    /// <summary>The number of pyramid levels.</summary>
    public int Levels { get; }

    /// <summary>A, the number of anchors at a position.</summary>
    public int PerLocation { get; }

    /// <summary>[L, A, 4]: corners relative to the position, in input px.</summary>
    public ArrayView<float> CellView => cells.View;

    /// <summary>Copies the cells of all levels to the host, [L, A, 4].</summary>
    public float[] DownloadCells() => cells.Download();

    /// <summary>Returns the grids over the maps of a padded input of inputH × inputW px.</summary>
    public AnchorLevel[] Grids(IReadOnlyList<Shape> maps, int inputH, int inputW)
    {
        var grids = new AnchorLevel[maps.Count];
        var first = 0;
        for (var l = 0; l < maps.Count; l++)
        {
            var (strideY, strideX) = stridesDouble && l > 0
                ? (grids[l - 1].StrideY * 2, grids[l - 1].StrideX * 2)
                : (inputH / maps[l].H, inputW / maps[l].W);
            grids[l] = new AnchorLevel(first, maps[l].H, maps[l].W, strideY, strideX);
            first += maps[l].H * maps[l].W * PerLocation;
        }
        return grids;
    }

    /// <summary>Writes all anchors of one level to output, [H · W · A], in input px.</summary>
    public void Generate(Device device, AnchorLevel level, int levelIndex, ArrayView<Box> output)
    {
        var count = level.H * level.W * PerLocation;
        var grain = Grain.For(device, count, 1);
        device.Launch(Kernel, grain.Threads(count, 1), CellView, level, levelIndex, PerLocation, grain, output);
    }

    /// <summary>One thread = some consecutive anchors i of a level (see <see cref="Grain"/>).</summary>
    internal static void Kernel(
        Index1D index, ArrayView<float> cells, AnchorLevel level, int levelIndex, int perLocation, Grain grain, ArrayView<Box> output)
    {
        int first = index * grain.Pixels;
        var end = IntrinsicMath.Min(first + grain.Pixels, level.H * level.W * perLocation);
        for (var i = first; i < end; i++)
            output[i] = At(i, cells, level, levelIndex, perLocation);
    }

    /// <summary>Returns anchor i of a level, in input px.</summary>
    public static Box At(int i, ArrayView<float> cells, AnchorLevel level, int levelIndex, int perLocation)
    {
        var cell = (levelIndex * perLocation + i % perLocation) * 4;
        var x = (float)(i / perLocation % level.W * level.StrideX);
        var y = (float)(i / perLocation / level.W * level.StrideY);
        return new Box(cells[cell] + x, cells[cell + 1] + y, cells[cell + 2] + x, cells[cell + 3] + y);
    }

    /// <inheritdoc/>
    public void Dispose() => cells.Dispose();

    private static IEnumerable<float> Cells(float[] scales, float[] aspectRatios, bool round)
    {
        foreach (var ratio in aspectRatios)
        {
            foreach (var scale in scales)
            {
                var root = MathF.Sqrt(ratio);
                var (halfW, halfH) = (1 / root * scale / 2, root * scale / 2);
                foreach (var corner in new[] { -halfW, -halfH, halfW, halfH })
                    yield return round ? MathF.Round(corner, MidpointRounding.ToEven) : corner;
            }
        }
    }
}
