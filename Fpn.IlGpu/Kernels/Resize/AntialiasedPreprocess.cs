using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// <see cref="Preprocess"/> by Detectron2's convention, which resizes with Pillow: first along rows, then along columns, and each time to
/// whole 8-bit levels.
/// <code>
/// out[i] = round( Σ j  tri((j + ½ − c) / s) · in[j]  /  Σ j  tri((j + ½ − c) / s) )
/// c = (i + ½) · in / out,   s = max(in / out, 1),   tri(t) = max(1 − |t|, 0)
/// </code>
/// Where the picture grows, this is bilinear interpolation; where it shrinks, every one of its pixels counts. The weights are whole
/// numbers that the host computes in double precision, so that every level equals Pillow's.
/// </summary>
internal static class AntialiasedPreprocess
{
    // Bits after the binary point of a rounded weight, as in Pillow.
    private const int FractionBits = 22;

    /// <summary>Resizes and normalises one picture of the batch.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="pixels">[H, W, 3], 8-bit RGB.</param>
    /// <param name="picture">H and W of the picture before and after resizing, in px.</param>
    /// <param name="channels">The scale and offset of each channel.</param>
    /// <param name="n">The picture's number in the batch.</param>
    /// <param name="output">[N, padded H, padded W, 3].</param>
    public static void Run(
        Device device, ArrayView<byte> pixels, ResizedPicture picture, ChannelScaling channels, int n, Tensor output)
        => Run(device, pixels, PixelLayout.Rgb(picture.W), picture, channels, n, output);

    /// <summary>As above, for pixels in any order.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="pixels">The 8-bit pixels.</param>
    /// <param name="layout">Where a pixel's channels are.</param>
    /// <param name="picture">H and W of the picture before and after resizing, in px.</param>
    /// <param name="channels">The scale and offset of each channel.</param>
    /// <param name="n">The picture's number in the batch.</param>
    /// <param name="output">[N, padded H, padded W, 3].</param>
    public static void Run(
        Device device, ArrayView<byte> pixels, PixelLayout layout, ResizedPicture picture, ChannelScaling channels, int n, Tensor output)
    {
        var (acrossFactors, acrossTaps) = Factors(picture.W, picture.ResizedW);
        var (downFactors, downTaps) = Factors(picture.H, picture.ResizedH);
        using var across = device.Upload<int>(acrossFactors);
        using var down = device.Upload<int>(downFactors);

        var narrowed = picture.H * picture.ResizedW;
        using var rows = device.Rent<byte>(narrowed * 3L);
        var grain = Grain.For(device, narrowed, 1);
        device.Launch(
            RowsKernel, grain.Threads(narrowed, 1), pixels, layout, new Filter(across.View, acrossTaps), picture, narrowed, grain, rows.View);

        var count = output.Shape.H * output.Shape.W;
        grain = Grain.For(device, count, 1);
        var sizes = new Preprocess.Sizes(picture, output.Shape.H, output.Shape.W, n * count);
        device.Launch(
            ColumnsKernel, grain.Threads(count, 1), rows.View, new Filter(down.View, downTaps), sizes, channels, grain, output.View);
    }

    /// <summary>One thread = some pixels of [H, resized W], all three channels of each.</summary>
    internal static void RowsKernel(
        Index1D index, ArrayView<byte> pixels, PixelLayout layout, Filter filter, ResizedPicture picture, int count, Grain grain,
        ArrayView<byte> rows)
    {
        var end = IntrinsicMath.Min((index + 1) * grain.Pixels, count);
        for (var i = index * grain.Pixels; i < end; i++)
        {
            var x = i % picture.ResizedW;
            var from = i / picture.ResizedW * layout.RowBytes + filter.First(x) * layout.PixelBytes;
            for (var c = 0; c < 3; c++)
            {
                var sum = 0;
                for (var tap = 0; tap < filter.Count(x); tap++)
                    sum += filter.Factor(x, tap) * pixels[from + tap * layout.PixelBytes + layout.Offset(c)];
                rows[i * 3 + c] = (byte)Level(sum);
            }
        }
    }

    /// <summary>One thread = some output pixels, all three channels of each; zeros beyond the resized picture.</summary>
    internal static void ColumnsKernel(
        Index1D index, ArrayView<byte> rows, Filter filter, Preprocess.Sizes sizes, ChannelScaling channels, Grain grain,
        ArrayView<float> output)
    {
        var picture = sizes.Picture;
        var end = IntrinsicMath.Min((index + 1) * grain.Pixels, sizes.PaddedH * sizes.PaddedW);
        for (var i = index * grain.Pixels; i < end; i++)
        {
            var x = i % sizes.PaddedW;
            var y = i / sizes.PaddedW;
            var to = (sizes.FirstPixel + i) * 3;
            for (var c = 0; c < 3; c++)
            {
                var channel = channels.Bgr != 0 ? 2 - c : c;
                output[to + channel] = 0;
                if (x >= picture.ResizedW || y >= picture.ResizedH)
                    continue;
                var sum = 0;
                for (var tap = 0; tap < filter.Count(y); tap++)
                    sum += filter.Factor(y, tap) * rows[((filter.First(y) + tap) * picture.ResizedW + x) * 3 + c];
                output[to + channel] = Level(sum) * channels.Scale(channel) + channels.Offset(channel);
            }
        }
    }

    /// <summary>Rounds a sum of levels × factors to a level, 0…255.</summary>
    private static int Level(int sum) => IntrinsicMath.Clamp((sum + (1 << (FractionBits - 1))) >> FractionBits, 0, 255);

    /// <summary>Returns, for each output: its first tap, the number of its taps, and the factor of each.</summary>
    private static (int[] Factors, int Taps) Factors(int input, int output)
    {
        var ratio = (double)input / output;
        var scale = Math.Max(ratio, 1);
        var most = (int)Math.Ceiling(scale) * 2 + 1;
        var table = new int[output * (most + 2)];
        for (var i = 0; i < output; i++)
        {
            var centre = (i + 0.5) * ratio;
            var first = Math.Max((int)(centre - scale + 0.5), 0);
            var count = Math.Min((int)(centre + scale + 0.5), input) - first;
            var own = table.AsSpan(i * (most + 2), most + 2);
            own[0] = first;
            own[1] = count;
            var total = 0.0;
            for (var tap = 0; tap < count; tap++)
                total += Weight(first + tap);
            for (var tap = 0; tap < count; tap++)
                own[2 + tap] = (int)(0.5 + Weight(first + tap) / total * (1 << FractionBits));

            double Weight(int j) => Math.Max(1 - Math.Abs((j - centre + 0.5) / scale), 0);
        }
        return (table, most);
    }

    /// <summary>The table of one axis, as kernels read it: [outputs, 2 + taps].</summary>
    internal readonly record struct Filter(ArrayView<int> Table, int Taps)
    {
        public int First(int i) => Table[i * (Taps + 2)];

        public int Count(int i) => Table[i * (Taps + 2) + 1];

        public int Factor(int i, int tap) => Table[i * (Taps + 2) + 2 + tap];
    }
}
