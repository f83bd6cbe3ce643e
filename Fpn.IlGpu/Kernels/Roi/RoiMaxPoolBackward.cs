using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The gradient of <see cref="RoiMaxPool"/> with respect to one level's map. It goes to the pixel that each bin's maximum came from; of
/// equal ones to the first, as in torchvision.
/// <code>din[p] += Σ RoIs r  Σ bins b that contain p   dout[r, b]   where p is the first of b with in[p] = out[r, b]</code>
/// Each pixel gathers from the RoIs of its tile (see <see cref="RoiTiles"/>).
/// </summary>
internal static class RoiMaxPoolBackward
{
    /// <summary>Adds the gradient to that of the map.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="input">The level's map, [N, H, W, C].</param>
    /// <param name="output">The maxima, [R, bins, bins, C].</param>
    /// <param name="outputGradient">dout, [R, bins, bins, C].</param>
    /// <param name="rois">The RoIs.</param>
    /// <param name="number">The level's number, 0 for the finest.</param>
    /// <param name="scale">Level px per input px: 1/4 for P2.</param>
    /// <param name="inputGradient">The gradient of the level's map, [N, H, W, C], which is added to.</param>
    public static void Run(
        Device device, Tensor input, Tensor output, Tensor outputGradient, RoiList rois, int number, float scale, Tensor inputGradient)
    {
        var (pooled, map) = (outputGradient.Shape, inputGradient.Shape);
        if (pooled.C != map.C || pooled.H != pooled.W || pooled.N != rois.Boxes.Length || output.Shape != pooled || input.Shape != map)
            throw new ArgumentException($"A gradient of {pooled} doesn't fit {rois.Boxes.Length} RoIs on a map of {map}.");
        using var tiles = RoiTiles.Find(device, rois, number, scale, map);
        var sizes = new Sizes(pooled.H, map.C, scale, tiles.Layout);
        // On a CPU a thread takes few pixels, because its work depends on how many RoIs their tile has.
        var grain = device.Info.Kind == DeviceKind.Cpu ? new Grain(RoiTiles.Side, map.C) : new Grain(1, 1);
        device.Launch(
            Kernel, grain.Threads(map.Pixels, map.C), input.View, output.View, outputGradient.View, rois.Boxes, tiles.View, sizes, grain,
            inputGradient.View);
    }

    /// <summary>One thread = some pixels × some channels (see <see cref="Grain"/>).</summary>
    internal static void Kernel(
        Index1D index, ArrayView<float> input, ArrayView<float> output, ArrayView<float> outputGradient, ArrayView<Box> boxes,
        RoiTiles.Lists lists, Sizes sizes, Grain grain, ArrayView<float> inputGradient)
    {
        var parts = (sizes.C + grain.Channels - 1) / grain.Channels;
        var c = index % parts * grain.Channels;
        var count = IntrinsicMath.Min(grain.Channels, sizes.C - c);
        var first = index / parts * grain.Pixels;
        var end = IntrinsicMath.Min(first + grain.Pixels, sizes.Grid.N * sizes.Grid.H * sizes.Grid.W);
        for (var pixel = first; pixel < end; pixel++)
        {
            var x = pixel % sizes.Grid.W;
            var y = pixel / sizes.Grid.W % sizes.Grid.H;
            var n = pixel / sizes.Grid.W / sizes.Grid.H;
            var tile = sizes.Grid.At(n, y, x);
            for (var k = 0; k < lists.Counts[tile]; k++)
            {
                var roi = lists.Rois[tile * sizes.Grid.Capacity + k];
                var box = boxes[roi];
                for (var i = 0; i < sizes.Bins; i++)
                {
                    var rows = RoiMaxPool.BinRange(box.Y1 * sizes.Scale, box.Y2 * sizes.Scale, i, sizes.Bins, sizes.Grid.H);
                    for (var j = 0; j < sizes.Bins && rows.Has(y); j++)
                    {
                        var columns = RoiMaxPool.BinRange(box.X1 * sizes.Scale, box.X2 * sizes.Scale, j, sizes.Bins, sizes.Grid.W);
                        if (!columns.Has(x))
                            continue;
                        var window = new MaxPool.Window(
                            ((n * sizes.Grid.H + rows.First) * sizes.Grid.W + columns.First) * sizes.C + c, y - rows.First + 1,
                            columns.Count, sizes.Grid.W * sizes.C, sizes.C);
                        var own = (y - rows.First) * columns.Count + x - columns.First;
                        var from = ((roi * sizes.Bins + i) * sizes.Bins + j) * sizes.C + c;
                        MaxPoolBackward.AddWhereFirst(
                            input, window, own, output, outputGradient, from, count, pixel * sizes.C + c, inputGradient);
                    }
                }
            }
        }
    }

    internal readonly record struct Sizes(int Bins, int C, float Scale, RoiTiles.Grid Grid);
}
