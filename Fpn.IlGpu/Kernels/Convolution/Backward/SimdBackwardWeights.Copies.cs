using System.Runtime.CompilerServices;

namespace Fpn.IlGpu.Kernels;

// Contiguous copies of what a chunk reads.
internal static unsafe partial class SimdBackwardWeights
{
    /// <summary>
    /// Copies a chunk's dout as [pixels, 32], or [pixels, 16] without AVX-512, with zeros beyond the group's last channel.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Pack(float* from, in ConvolutionSizes s, in Chunk at, int channels, float* to)
    {
        for (var n = at.N; n < at.N + at.Pictures; n++)
        {
            for (var y = at.Y; y < at.Y + at.H; y++)
            {
                var pixel = from + (((long)n * s.OutputH + y) * s.OutputW + at.X) * s.OutputC;
                for (var x = 0; x < at.W; x++, pixel += s.OutputC, to += SimdTile.Channels)
                {
                    if (channels == SimdTile.Channels)
                    {
                        for (var k = 0; k < SimdTile.Channels; k += Lanes8.Count)
                            Lanes8.Load(pixel + k).Store(to + k);
                        continue;
                    }
                    for (var k = 0; k < SimdTile.Channels; k++)
                        to[k] = k < channels ? pixel[k] : 0;
                }
            }
        }
    }

    /// <summary>Copies some of the contiguous values that each pixel's window sees, as [pixels, values].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CopyPixels(float* input, in ConvolutionSizes s, in Chunk at, int values, float* to)
    {
        for (var n = at.N; n < at.N + at.Pictures; n++)
        {
            for (var y = at.Y; y < at.Y + at.H; y++)
            {
                var from = input + (((long)n * s.InputH + y * s.StrideY) * s.InputW + at.X * s.StrideX) * s.InputC;
                for (var x = 0; x < at.W; x++, from += s.StrideX * s.InputC, to += values)
                    new ReadOnlySpan<float>(from, values).CopyTo(new Span<float>(to, values));
            }
        }
    }

    /// <summary>Copies everything that the chunk's windows see of a channel group, with zeros around the map.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CopyWithBorder(float* input, in ConvolutionSizes s, in Chunk at, float* to)
    {
        var (firstY, firstX) = (at.Y * s.StrideY - s.PaddingY, at.X * s.StrideX - s.PaddingX);
        var (spanY, spanX, c) = (SpanY(s, at.H), SpanX(s, at.W), s.ChannelGroupInputC);
        var (left, right) = (Math.Clamp(-firstX, 0, spanX), Math.Clamp(s.InputW - firstX, 0, spanX));
        for (var n = at.N; n < at.N + at.Pictures; n++)
        {
            for (var y = firstY; y < firstY + spanY; y++, to += spanX * c)
            {
                if (y < 0 || y >= s.InputH || right <= left)
                {
                    new Span<float>(to, spanX * c).Clear();
                    continue;
                }
                new Span<float>(to, left * c).Clear();
                new Span<float>(to + right * c, (spanX - right) * c).Clear();
                var from = input + (((long)n * s.InputH + y) * s.InputW + firstX + left) * s.InputC;
                if (s.ChannelGroups == 1)
                {
                    new ReadOnlySpan<float>(from, (right - left) * c).CopyTo(new Span<float>(to + left * c, (right - left) * c));
                    continue;
                }
                for (var x = left; x < right; x++, from += s.InputC)
                    new ReadOnlySpan<float>(from, c).CopyTo(new Span<float>(to + x * c, c));
            }
        }
    }

    /// <summary>
    /// Returns a tile's walk through a copy with its border. The innermost loop is over columns, over rows if the chunk has one column, or
    /// over pictures if it has one pixel of each.
    /// </summary>
    private static TileWalk Walk(float* first, in ConvolutionSizes s, in Chunk at, int spanX)
    {
        var (columnStep, rowStep) = (s.StrideX * s.ChannelGroupInputC, s.StrideY * spanX * s.ChannelGroupInputC);
        var pictureStep = SpanY(s, at.H) * spanX * s.ChannelGroupInputC;
        if (at.W > 1)
            return new TileWalk(first, 1, at.Pictures, pictureStep, at.H, rowStep, at.W, valueStep: columnStep);
        return at.H > 1
            ? new TileWalk(first, 1, at.Pictures, pictureStep, 1, 0, at.H, valueStep: rowStep)
            : new TileWalk(first, 1, 1, 0, 1, 0, at.Pictures, valueStep: pictureStep);
    }

    private static int SpanY(in ConvolutionSizes s, int rows) => (rows - 1) * s.StrideY + (s.KernelH - 1) * s.DilationY + 1;

    private static int SpanX(in ConvolutionSizes s, int columns) => (columns - 1) * s.StrideX + (s.KernelW - 1) * s.DilationX + 1;
}
