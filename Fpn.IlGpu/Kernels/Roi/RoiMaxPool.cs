using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.Algorithms;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// RoI max pooling, the paper's choice (Girshick, Fast R-CNN, section 2.1). The RoI's corners are rounded to whole level px, both
/// inclusive, and each of the bins × bins parts is the maximum of the pixels that it touches.
/// <code>rows of bin i: ⌊i · h / bins⌋ … ⌈(i + 1) · h / bins⌉ − 1 from the rounded top, inside the map</code>
/// An empty bin is 0, as in torchvision.
/// </summary>
internal static class RoiMaxPool
{
    /// <summary>Pools all RoIs.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="levels">[L].</param>
    /// <param name="features">The maps [N, H, W, C] of all levels, one after another.</param>
    /// <param name="rois">The RoIs.</param>
    /// <param name="output">[R, bins, bins, C].</param>
    public static void Run(Device device, ArrayView<RoiLevel> levels, ArrayView<float> features, RoiList rois, Tensor output)
    {
        var shape = output.Shape;
        var grain = Grain.For(device, shape.Pixels, shape.C);
        device.Launch(
            Kernel, grain.Threads(shape.Pixels, shape.C), features, levels, rois.Boxes, rois.Places, rois.Count,
            shape.H, shape.C, grain, output.View);
    }

    /// <summary>One thread = some bins × some channels (see <see cref="Grain"/>).</summary>
    internal static void Kernel(
        Index1D index, ArrayView<float> features, ArrayView<RoiLevel> levels, ArrayView<Box> boxes, ArrayView<RoiPlace> places,
        ArrayView<int> count, int bins, int c, Grain grain, ArrayView<float> output)
    {
        var parts = (c + grain.Channels - 1) / grain.Channels;
        var firstC = index % parts * grain.Channels;
        var channels = IntrinsicMath.Min(grain.Channels, c - firstC);
        int first = index / parts * grain.Pixels;
        var end = IntrinsicMath.Min(first + grain.Pixels, count[0] * bins * bins);
        for (var i = first; i < end; i++)
        {
            var roi = i / bins / bins;
            var place = places[roi];
            var level = levels[place.Level];
            var box = boxes[roi];
            var rows = BinRange(box.Y1 * level.Scale, box.Y2 * level.Scale, i / bins % bins, bins, level.H);
            var columns = BinRange(box.X1 * level.Scale, box.X2 * level.Scale, i % bins, bins, level.W);
            var from = level.First + ((place.Picture * level.H + rows.First) * level.W + columns.First) * c + firstC;
            var to = i * c + firstC;
            if (rows.Count > 0 && columns.Count > 0)
            {
                MaxPool.MaxOver(
                    features, new MaxPool.Window(from, rows.Count, columns.Count, level.W * c, c), channels, to, output);
                continue;
            }
            for (var k = 0; k < channels; k++)
                output[to + k] = 0;
        }
    }

    /// <summary>Returns the pixels of the map that a bin covers along one axis.</summary>
    internal static PixelRange BinRange(float start, float end, int bin, int bins, int size)
    {
        var first = Round(start);
        var length = IntrinsicMath.Max(Round(end) - first + 1, 1);
        var binLength = (float)length / bins;
        var from = IntrinsicMath.Clamp((int)XMath.Floor(bin * binLength) + first, 0, size);
        var to = IntrinsicMath.Clamp((int)XMath.Ceiling((bin + 1) * binLength) + first, 0, size);
        return new PixelRange(from, to - from);
    }

    /// <summary>Rounds half away from zero, as C's round does.</summary>
    private static int Round(float x) => x < 0 ? -(int)(-x + 0.5f) : (int)(x + 0.5f);

    internal readonly record struct PixelRange(int First, int Count)
    {
        public bool Has(int pixel) => pixel >= First && pixel < First + Count;
    }
}
