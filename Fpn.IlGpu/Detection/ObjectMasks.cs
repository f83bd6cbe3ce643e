using System.Numerics;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using ILGPU;

namespace Fpn.IlGpu.Detection;

/// <summary>The masks of objects at the size of their pictures: pasted on the device, as runs of px on the host.</summary>
internal static class ObjectMasks
{
    /// <summary>Runs <see cref="MaskPaste"/>, and makes run lengths of its bits.</summary>
    /// <param name="device">Where the probabilities are.</param>
    /// <param name="probabilities">[D, side, side].</param>
    /// <param name="side">Cells of a mask's side.</param>
    /// <param name="targets">[D]. A box that is empty or off its picture has an empty mask.</param>
    /// <param name="threshold">The least probability of an object's pixels, 0…1.</param>
    /// <param name="roundBox">Boxes in whole px, as torchvision; if not, exact ones, as Detectron2.</param>
    /// <param name="wordsAtOnce">Objects share a launch as long as they need no more words of 32 px than this.</param>
    /// <returns>[D].</returns>
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
