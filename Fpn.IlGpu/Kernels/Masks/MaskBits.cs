using System.Numerics;
using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Kernels;

/// <summary>From the bits of a window, 32 px a word, column by column, to the runs of the whole picture.</summary>
internal static class MaskBits
{
    /// <summary>The mask of one window.</summary>
    /// <param name="words">Of all windows; this one's begin at its first word.</param>
    /// <param name="window">Which part of the picture they are of.</param>
    /// <param name="width">Of the picture, in px.</param>
    /// <param name="height">Of the picture, in px.</param>
    public static ObjectMask ToMask(ReadOnlySpan<uint> words, MaskWindow window, int width, int height)
    {
        var builder = new MaskRunBuilder(width, height);
        var pixels = window.Width * window.Height;
        var bits = words.Slice(window.FirstWord, window.Words);
        for (var end = 0; end < pixels;)
        {
            var start = Next(bits, end, 0, pixels);
            end = Next(bits, start, uint.MaxValue, pixels);
            // Above and below the window is more of the picture: a stretch ends with its column.
            while (start < end)
            {
                var (x, y) = Math.DivRem(start, window.Height);
                var length = Math.Min(end - start, window.Height - y);
                builder.Add((window.Left + x) * height + window.Top + y, length);
                start += length;
            }
        }
        return builder.Build();
    }

    /// <summary>The first px from one on whose bit is 1 after the flip; the end if there is none.</summary>
    private static int Next(ReadOnlySpan<uint> bits, int from, uint flip, int end)
    {
        if (from >= end)
            return end;
        var word = from / 32;
        var candidates = (bits[word] ^ flip) & (uint.MaxValue << from % 32);
        while (candidates == 0)
        {
            word++;
            if (word == bits.Length)
                return end;
            candidates = bits[word] ^ flip;
        }
        return Math.Min(word * 32 + BitOperations.TrailingZeroCount(candidates), end);
    }
}
