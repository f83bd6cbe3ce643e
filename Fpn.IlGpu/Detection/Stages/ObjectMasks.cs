using System.Numerics;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using ILGPU;

namespace Fpn.IlGpu.Detection;

/// <summary>Masks of objects at the size of their pictures: pasted on the device, then converted to runs of px on the host.</summary>
internal static class ObjectMasks
{
    /// <summary>Runs <see cref="MaskPaste"/> and converts its bits to run lengths.</summary>
    /// <param name="device">The device that holds the probabilities.</param>
    /// <param name="probabilities">The mask probabilities, [D, side, side].</param>
    /// <param name="side">The side of a mask, in cells.</param>
    /// <param name="targets">The box and picture of each object, [D]. A box that is empty or off its picture yields an empty mask.</param>
    /// <param name="threshold">The least probability of a pixel that belongs to the object, 0…1.</param>
    /// <param name="roundBox">Whether boxes are rounded to whole px (torchvision) or used exactly (Detectron2).</param>
    /// <param name="wordsAtOnce">The most words of 32 px that the objects of one launch may need together.</param>
    /// <returns>The masks, [D].</returns>
    public static ObjectMask[] Paste(
        Device device, ArrayView<float> probabilities, int side, IReadOnlyList<MaskTarget> targets, float threshold, bool roundBox,
        int wordsAtOnce = MaskPaste.WordsAtOnce)
        => [.. MaskPaste.Run(device, probabilities, side, targets, threshold, roundBox, wordsAtOnce)
            .Zip(targets, (mask, target) => ToRuns(mask, target.Width, target.Height))];

    private static ObjectMask ToRuns(PastedMask mask, int width, int height)
    {
        var builder = new MaskRunBuilder(width, height);
        var window = mask.Window;
        var pixels = window.Width * window.Height;
        var bits = mask.Words.Span;
        for (var end = 0; end < pixels;)
        {
            var start = Next(bits, end, 0, pixels);
            end = Next(bits, start, uint.MaxValue, pixels);
            // Runs go down the columns of the picture, which extends above and below the window, so each column has its own runs.
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

    /// <summary>The first px from <paramref name="from"/> on whose bit is 1 after XOR with <paramref name="flip"/>, or the end.</summary>
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
