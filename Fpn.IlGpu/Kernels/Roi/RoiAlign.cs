using System.Numerics;
using System.Runtime.CompilerServices;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// RoIAlign (He et al., Mask R-CNN, section 3): each of the bins × bins parts of a RoI is the mean of samples, which are taken by bilinear
/// interpolation without rounding any coordinate.
/// <code>
/// start = y1 · scale − shift,  bin = (y2 − y1) · scale / bins,  sample i of g at start + (bin index + (i + ½) / g) · bin
/// </code>
/// and likewise for x. As in torchvision and Detectron2, samples more than 1 px outside the map count as 0. If aligned, shift is ½;
/// otherwise shift is 0, and a RoI is at least 1 level px wide and high. g is fixed, or adaptive: ⌈RoI side / bins⌉.
/// </summary>
internal static class RoiAlign
{
    // What the CPU body works on at a time.
    private const int SamplesAtOnce = 16;
    private const int VectorsAtOnce = 4;

    /// <summary>Pools all RoIs.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="levels">[L].</param>
    /// <param name="features">The maps [N, H, W, C] of all levels, one after another.</param>
    /// <param name="rois">The RoIs.</param>
    /// <param name="samplingRatio">g, the number of samples along a bin's side; 0 for adaptive.</param>
    /// <param name="aligned">Whether to shift by half a px.</param>
    /// <param name="output">[R, bins, bins, C].</param>
    public static void Run(
        Device device, ArrayView<RoiLevel> levels, ArrayView<float> features, RoiList rois, int samplingRatio, bool aligned, Tensor output)
    {
        var shape = output.Shape;
        var grain = Grain.For(device, shape.Pixels, shape.C);
        var sizes = new Sizes(shape.H, shape.C, samplingRatio, aligned ? 1 : 0);
        device.Launch(
            Kernel, grain.Threads(shape.Pixels, shape.C), features, levels, rois.Boxes, rois.Places, rois.Count, sizes, grain, output.View);
    }

    /// <summary>One thread = some bins × some channels (see <see cref="Grain"/>).</summary>
    internal static void Kernel(
        Index1D index, ArrayView<float> features, ArrayView<RoiLevel> levels, ArrayView<Box> boxes, ArrayView<RoiPlace> places,
        ArrayView<int> count, Sizes sizes, Grain grain, ArrayView<float> output)
    {
        var parts = (sizes.C + grain.Channels - 1) / grain.Channels;
        var c = index % parts * grain.Channels;
        var channels = IntrinsicMath.Min(grain.Channels, sizes.C - c);
        int first = index / parts * grain.Pixels;
        var end = IntrinsicMath.Min(first + grain.Pixels, count[0] * sizes.Bins * sizes.Bins);
        for (var i = first; i < end; i++)
        {
            var roi = i / sizes.Bins / sizes.Bins;
            var place = places[roi];
            var level = levels[place.Level];
            var box = boxes[roi];
            var shift = sizes.Aligned != 0 ? 0.5f : 0;
            var w = box.Width * level.Scale;
            var h = box.Height * level.Scale;
            if (sizes.Aligned == 0)
            {
                w = XMath.Max(w, 1);
                h = XMath.Max(h, 1);
            }
            var binW = w / sizes.Bins;
            var binH = h / sizes.Bins;
            var grid = new SampleGrid(
                level.First + place.Picture * level.H * level.W * sizes.C + c,
                level.H,
                level.W,
                sizes.C,
                box.Y1 * level.Scale - shift + i / sizes.Bins % sizes.Bins * binH,
                box.X1 * level.Scale - shift + i % sizes.Bins * binW,
                binH,
                binW,
                sizes.SamplingRatio > 0 ? sizes.SamplingRatio : IntrinsicMath.Max(0, (int)XMath.Ceiling(h / sizes.Bins)),
                sizes.SamplingRatio > 0 ? sizes.SamplingRatio : IntrinsicMath.Max(0, (int)XMath.Ceiling(w / sizes.Bins)));
            MeanOver(features, grid, channels, i * sizes.C + c, output);
        }
    }

    /// <summary>The CPU body: the channels of one bin, by SIMD.</summary>
    [IntrinsicImplementation]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MeanOver(ArrayView<float> features, SampleGrid grid, int channels, int to, ArrayView<float> output)
    {
        Span<Sample> samples = stackalloc Sample[SamplesAtOnce];
        var all = grid.Rows * grid.Columns;
        var block = VectorsAtOnce * Vector<float>.Count;
        var blocked = channels / block * block;
        for (var first = 0; first == 0 || first < all; first += SamplesAtOnce)
        {
            var count = 0;
            for (var i = first; i < Math.Min(first + SamplesAtOnce, all); i++)
            {
                var sample = grid.Sample(i);
                if (sample.Weight != 0)
                    samples[count++] = sample;
            }
            // All samples are inside the map, so that one bounds check at its ends is enough.
            ref var map = ref features[grid.First];
            _ = features[grid.First + (grid.H * grid.W - 1) * grid.C + channels - 1];
            _ = output[to + channels - 1];
            for (var c = 0; c < blocked; c += block)
                AddSamples(ref Unsafe.Add(ref map, c - grid.First), samples[..count], first > 0, ref Unsafe.Add(ref output[to], c));
        }
        MeanOverOnDevice(features, grid with { First = grid.First + blocked }, channels - blocked, to + blocked, output);
    }

    /// <summary>Adds all samples to four vectors of channels, whose sums stay in registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddSamples(ref float features, ReadOnlySpan<Sample> samples, bool add, ref float output)
    {
        var step = (nuint)Vector<float>.Count;
        var sums = add
            ? new FourVectors(
                Vector.LoadUnsafe(ref output), Vector.LoadUnsafe(ref output, step),
                Vector.LoadUnsafe(ref output, 2 * step), Vector.LoadUnsafe(ref output, 3 * step))
            : default;
        foreach (ref readonly var sample in samples)
        {
            sums = sums.Plus(ref Unsafe.Add(ref features, sample.At00), new Vector<float>(sample.W00));
            sums = sums.Plus(ref Unsafe.Add(ref features, sample.At01), new Vector<float>(sample.W01));
            sums = sums.Plus(ref Unsafe.Add(ref features, sample.At10), new Vector<float>(sample.W10));
            sums = sums.Plus(ref Unsafe.Add(ref features, sample.At11), new Vector<float>(sample.W11));
        }
        sums.A.StoreUnsafe(ref output);
        sums.B.StoreUnsafe(ref output, step);
        sums.C.StoreUnsafe(ref output, 2 * step);
        sums.D.StoreUnsafe(ref output, 3 * step);
    }

    /// <summary>The GPU body: usually one channel of one bin.</summary>
    [DeviceBody(nameof(MeanOver))]
    public static void MeanOverOnDevice(ArrayView<float> features, SampleGrid grid, int channels, int to, ArrayView<float> output)
    {
        for (var c = 0; c < channels; c++)
        {
            var sum = 0f;
            for (var i = 0; i < grid.Rows * grid.Columns; i++)
            {
                var sample = grid.Sample(i);
                if (sample.Weight != 0)
                {
                    sum += features[sample.At00 + c] * sample.W00 + features[sample.At01 + c] * sample.W01
                        + features[sample.At10 + c] * sample.W10 + features[sample.At11 + c] * sample.W11;
                }
            }
            output[to + c] = sum;
        }
    }

    internal readonly record struct Sizes(int Bins, int C, int SamplingRatio, int Aligned);

    /// <summary>
    /// The samples of one bin: the map that they are read from, the bin's corner and size in level px, and the number of samples along its
    /// sides.
    /// </summary>
    internal readonly record struct SampleGrid(
        int First, int H, int W, int C, float Y, float X, float BinH, float BinW, int Rows, int Columns)
    {
        public Sample Sample(int i)
        {
            var y = Y + (i / Columns + 0.5f) * BinH / Rows;
            var x = X + (i % Columns + 0.5f) * BinW / Columns;
            if (y < -1 || y > H || x < -1 || x > W)
                return default;
            y = XMath.Max(y, 0);
            x = XMath.Max(x, 0);
            var y0 = IntrinsicMath.Min((int)y, H - 1);
            var x0 = IntrinsicMath.Min((int)x, W - 1);
            var y1 = IntrinsicMath.Min(y0 + 1, H - 1);
            var x1 = IntrinsicMath.Min(x0 + 1, W - 1);
            // At the last row or column, both neighbours are the same, so that any mix of them will do.
            var mixY = y0 == y1 ? 0 : y - y0;
            var mixX = x0 == x1 ? 0 : x - x0;
            var weight = 1f / (Rows * Columns);
            return new Sample(
                weight,
                First + (y0 * W + x0) * C,
                First + (y0 * W + x1) * C,
                First + (y1 * W + x0) * C,
                First + (y1 * W + x1) * C,
                weight * (1 - mixY) * (1 - mixX),
                weight * (1 - mixY) * mixX,
                weight * mixY * (1 - mixX),
                weight * mixY * mixX);
        }
    }

    /// <summary>
    /// One bilinear sample: the indices of four values, and their weights, which add up to Weight. All are 0 outside the map.
    /// </summary>
    internal readonly record struct Sample(
        float Weight, int At00, int At01, int At10, int At11, float W00, float W01, float W10, float W11);

    /// <summary>Four vectors of consecutive channels.</summary>
    private readonly record struct FourVectors(Vector<float> A, Vector<float> B, Vector<float> C, Vector<float> D)
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public FourVectors Plus(ref float values, Vector<float> weight)
        {
            var step = (nuint)Vector<float>.Count;
            return new FourVectors(
                Vector.MultiplyAddEstimate(Vector.LoadUnsafe(ref values), weight, A),
                Vector.MultiplyAddEstimate(Vector.LoadUnsafe(ref values, step), weight, B),
                Vector.MultiplyAddEstimate(Vector.LoadUnsafe(ref values, 2 * step), weight, C),
                Vector.MultiplyAddEstimate(Vector.LoadUnsafe(ref values, 3 * step), weight, D));
        }
    }
}
