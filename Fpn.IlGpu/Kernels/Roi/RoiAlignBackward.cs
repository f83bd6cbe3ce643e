using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.Algorithms;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The gradient of <see cref="RoiAlign"/> with respect to one level's map. The weight of a pixel in a bilinear sample is the product of a
/// weight for its row and one for its column. As a bin's samples are a grid, the weight of a pixel in a bin is such a product, too:
/// <code>
/// din[y, x, c] += Σ RoIs r  Σ bins i, j  row[i, y] · column[j, x] · dout[r, i, j, c]
/// row[i, y]     = mean over the bin's rows of samples of max(0, 1 − |y − their y|)
/// </code>
/// with the samples' coordinates clamped as in the forward pass. Each pixel gathers from the RoIs of its tile (see
/// <see cref="RoiTiles"/>). Only a bin or two of a RoI reach it along each axis.
/// </summary>
internal static class RoiAlignBackward
{
    /// <summary>Adds the gradient to that of the map.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="outputGradient">dout, [R, bins, bins, C].</param>
    /// <param name="rois">The RoIs.</param>
    /// <param name="number">The level's number, 0 for the finest.</param>
    /// <param name="scale">Level px per input px: 1/4 for P2.</param>
    /// <param name="samplingRatio">g, the number of samples along a bin's side; 0 for adaptive.</param>
    /// <param name="aligned">Whether RoIs are shifted by half a px.</param>
    /// <param name="inputGradient">The gradient of the level's map, [N, H, W, C], which is added to.</param>
    public static void Run(
        Device device, Tensor outputGradient, RoiList rois, int number, float scale, int samplingRatio, bool aligned, Tensor inputGradient)
    {
        var (pooled, map) = (outputGradient.Shape, inputGradient.Shape);
        if (pooled.C != map.C || pooled.H != pooled.W || pooled.N != rois.Boxes.Length)
            throw new ArgumentException($"A gradient of {pooled} doesn't fit {rois.Boxes.Length} RoIs on a map of {map}.");
        using var tiles = RoiTiles.Find(device, rois, number, scale, map);
        var sizes = new Sizes(pooled.H, map.C, samplingRatio, aligned ? 1 : 0, scale, tiles.Layout);
        if (device.Info.Kind == DeviceKind.Cpu)
        {
            device.Launch(
                RoiAlignBackwardOnCpu.Kernel, tiles.Layout.Tiles, outputGradient.View, rois.Boxes, tiles.View, sizes, inputGradient.View);
            return;
        }
        device.Launch(Kernel, (int)map.Length, outputGradient.View, rois.Boxes, tiles.View, sizes, inputGradient.View);
    }

    /// <summary>One thread = one channel of one pixel (n, y, x, c).</summary>
    internal static void Kernel(
        Index1D index, ArrayView<float> outputGradient, ArrayView<Box> boxes, RoiTiles.Lists lists, Sizes sizes,
        ArrayView<float> inputGradient)
    {
        var c = index % sizes.C;
        var x = index / sizes.C % sizes.Grid.W;
        var y = index / sizes.C / sizes.Grid.W % sizes.Grid.H;
        var tile = sizes.Grid.At(index / sizes.C / sizes.Grid.W / sizes.Grid.H, y, x);
        var sum = inputGradient[index];
        for (var k = 0; k < lists.Counts[tile]; k++)
        {
            var roi = lists.Rois[tile * sizes.Grid.Capacity + k];
            var box = boxes[roi];
            var rows = Axis.Of(box.Y1, box.Y2, sizes, sizes.Grid.H);
            var columns = Axis.Of(box.X1, box.X2, sizes, sizes.Grid.W);
            var lastRow = rows.LastBin(y, sizes.Bins);
            var firstColumn = columns.FirstBin(x, sizes.Bins);
            var lastColumn = columns.LastBin(x, sizes.Bins);
            for (var i = rows.FirstBin(y, sizes.Bins); i <= lastRow; i++)
            {
                var row = firstColumn > lastColumn ? 0 : rows.Weight(i, y);
                for (var j = firstColumn; j <= lastColumn && row > 0; j++)
                {
                    var weight = row * columns.Weight(j, x);
                    if (weight > 0)
                        sum += weight * outputGradient[((roi * sizes.Bins + i) * sizes.Bins + j) * sizes.C + c];
                }
            }
        }
        inputGradient[index] = sum;
    }

    internal readonly record struct Sizes(int Bins, int C, int SamplingRatio, int Aligned, float Scale, RoiTiles.Grid Grid);

    /// <summary>
    /// One axis of a RoI: its start and the length of its bins, in level px; the number of samples in each bin; and the map's size, in px.
    /// </summary>
    internal readonly record struct Axis(float Start, float BinLength, int Samples, int Size)
    {
        // In bins. FirstBin and LastBin only narrow down the bins; the weights are exact.
        private const float Slack = 0.01f;

        /// <summary>Returns an axis, with exactly the rounding of <see cref="RoiAlign"/>.</summary>
        public static Axis Of(float from, float to, Sizes sizes, int size)
        {
            var length = (to - from) * sizes.Scale;
            if (sizes.Aligned == 0)
                length = XMath.Max(length, 1);
            var samples = sizes.SamplingRatio > 0 ? sizes.SamplingRatio : (int)XMath.Ceiling(length / sizes.Bins);
            return new Axis(from * sizes.Scale - (sizes.Aligned != 0 ? 0.5f : 0), length / sizes.Bins, samples, size);
        }

        /// <summary>Returns a bin before which no bin reaches a pixel.</summary>
        public int FirstBin(int pixel, int bins) => pixel == 0 || BinLength <= 0
            ? 0
            : (int)XMath.Clamp(XMath.Floor((pixel - 1 - Start) / BinLength - Slack), 0, bins);

        /// <summary>Returns a bin after which no bin reaches a pixel.</summary>
        public int LastBin(int pixel, int bins) => pixel == Size - 1 || BinLength <= 0
            ? bins - 1
            : (int)XMath.Clamp(XMath.Floor((pixel + 1 - Start) / BinLength + Slack), -1, bins - 1);

        /// <summary>Returns the weight of a pixel in a bin along this axis: the mean over the samples.</summary>
        public float Weight(int bin, int pixel)
        {
            var first = Start + bin * BinLength;
            var last = first + BinLength;
            // Samples beyond the map's edge read its last pixel.
            var isBefore = pixel > 0 && XMath.Max(first, last) <= pixel - 1;
            var isBehind = pixel < Size - 1 && XMath.Min(first, last) >= pixel + 1;
            if (isBefore || isBehind || Samples <= 0)
                return 0;
            var sum = 0f;
            for (var s = 0; s < Samples; s++)
            {
                var at = first + (s + 0.5f) * BinLength / Samples;
                if (at < -1 || at > Size)
                    continue;
                at = XMath.Max(at, 0);
                var low = IntrinsicMath.Min((int)at, Size - 1);
                var mix = low == Size - 1 ? 0 : at - low;
                sum += low == pixel ? 1 - mix : low + 1 == pixel ? mix : 0;
            }
            return sum / Samples;
        }
    }
}
