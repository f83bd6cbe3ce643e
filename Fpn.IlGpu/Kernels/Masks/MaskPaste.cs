using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.Algorithms;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// An object's mask at picture size (He et al., Mask R-CNN, section 3.1, Inference): its side × side probabilities are resized to its
/// box, and pixels above a threshold belong to the object.
/// <code>
/// u = (x + ½ − start x) · step x − shift,  v likewise (see <see cref="MaskWindow"/>)
/// p = mix of the four cells around (v, u), where cells outside the mask are 0
/// in = p &gt; threshold (rounded boxes), p ≥ threshold (exact boxes)
/// </code>
/// The comparison is the one that users of each library get: Detectron2 itself compares with ≥, and torchvision returns p, which users
/// usually compare with &gt;. They differ only where p equals the threshold, for example halfway between a 1 and a 0.
/// </summary>
internal static class MaskPaste
{
    /// <summary>The most words of 32 pixels that one launch computes: 64 MB.</summary>
    internal const int WordsAtOnce = 1 << 24;

    private const int BitsPerWord = 32;

    /// <summary>Computes the masks, and waits for them.</summary>
    /// <param name="device">The device that holds the probabilities.</param>
    /// <param name="probabilities">[D, side, side], 0…1.</param>
    /// <param name="side">Cells along a mask's side.</param>
    /// <param name="targets">[D]. The mask of a box that is empty or outside its picture is empty.</param>
    /// <param name="threshold">The lowest probability of an object's pixels, 0…1.</param>
    /// <param name="roundBox">Whether boxes are rounded to whole px, as in torchvision; otherwise they are exact, as in Detectron2.</param>
    /// <param name="wordsAtOnce">Objects share a launch as long as they need no more words of 32 pixels than this.</param>
    /// <returns>[D]. Each launch runs when its first mask is enumerated.</returns>
    internal static IEnumerable<PastedMask> Run(
        Device device, ArrayView<float> probabilities, int side, IReadOnlyList<MaskTarget> targets, float threshold,
        bool roundBox, int wordsAtOnce = WordsAtOnce)
    {
        if (probabilities.Length < (long)targets.Count * side * side)
        {
            throw new ArgumentException(
                $"{targets.Count} masks of {side} × {side} need more than {probabilities.Length} values.", nameof(probabilities));
        }
        return Paste(device, probabilities, side, targets, threshold, roundBox, wordsAtOnce);
    }

    private static IEnumerable<PastedMask> Paste(
        Device device, ArrayView<float> probabilities, int side, IReadOnlyList<MaskTarget> targets, float threshold, bool roundBox,
        int wordsAtOnce)
    {
        var windows = new List<MaskWindow>();
        var words = 0;
        for (var d = 0; d < targets.Count; d++)
        {
            var (box, width, height) = targets[d];
            var window = roundBox ? MaskWindow.Rounded(box, side, width, height) : MaskWindow.Exact(box, side, width, height);
            if (words + (long)window.Words > wordsAtOnce)
            {
                foreach (var mask in Launch())
                    yield return mask;
                windows.Clear();
                words = 0;
            }
            windows.Add(window with { FirstProbability = d * side * side, FirstWord = words });
            words += window.Words;
        }
        foreach (var mask in Launch())
            yield return mask;

        IEnumerable<PastedMask> Launch()
        {
            if (windows.Count == 0)
                return [];
            var bits = Bits(device, probabilities, [.. windows], new Sizes(words, windows.Count, side, threshold, roundBox ? 0 : 1));
            return windows.Select(window => new PastedMask(bits.AsMemory(window.FirstWord, window.Words), window));
        }
    }

    private static uint[] Bits(Device device, ArrayView<float> probabilities, MaskWindow[] windows, Sizes sizes)
    {
        using var deviceWindows = device.Upload<MaskWindow>(windows);
        using var words = device.Rent<uint>(sizes.Words);
        var grain = Grain.For(device, sizes.Words, 1);
        device.Launch(
            Kernel, grain.Threads(sizes.Words, 1), probabilities, deviceWindows.View, sizes, grain, words.View);
        return words.Download();
    }

    /// <summary>
    /// One thread = some words (see <see cref="Grain"/>). One word = 32 consecutive pixels of a window, column by column, which is the
    /// order of run lengths.
    /// </summary>
    internal static void Kernel(
        Index1D index, ArrayView<float> probabilities, ArrayView<MaskWindow> windows, Sizes sizes, Grain grain, ArrayView<uint> words)
    {
        var end = IntrinsicMath.Min((index + 1) * grain.Pixels, sizes.Words);
        for (var i = index * grain.Pixels; i < end; i++)
            words[i] = Word(probabilities, windows[Owner(windows, sizes.Windows, i)], i, sizes);
    }

    /// <summary>Returns the last window that begins at or before a word. Earlier windows that begin at the same word are empty.</summary>
    private static int Owner(ArrayView<MaskWindow> windows, int count, int word)
    {
        var first = 0;
        var last = count - 1;
        while (first < last)
        {
            var middle = (first + last + 1) / 2;
            if (windows[middle].FirstWord <= word)
                first = middle;
            else
                last = middle - 1;
        }
        return first;
    }

    private static uint Word(ArrayView<float> probabilities, MaskWindow window, int word, Sizes sizes)
    {
        var first = (word - window.FirstWord) * BitsPerWord;
        var count = IntrinsicMath.Min(BitsPerWord, window.Width * window.Height - first);
        var x = first / window.Height;
        var y = first % window.Height;
        var row = int.MinValue;
        var upper = 0f;
        var lower = 0f;
        var bits = 0u;
        for (var i = 0; i < count; i++)
        {
            var v = Position(window.Top + y, window.StartY, window.StepY, window.Shift, sizes.Side);
            var newRow = (int)XMath.Floor(v);
            // Many pixels lie between the same two rows of the mask, and reuse what was mixed along x.
            if (newRow != row)
            {
                row = newRow;
                var u = Position(window.Left + x, window.StartX, window.StepX, window.Shift, sizes.Side);
                upper = MixAlongX(probabilities, window.FirstProbability, sizes.Side, row, u);
                lower = MixAlongX(probabilities, window.FirstProbability, sizes.Side, row + 1, u);
            }
            var p = upper * (1 - (v - row)) + lower * (v - row);
            if (p > sizes.Threshold || (p == sizes.Threshold && sizes.Inclusive != 0))
                bits |= 1u << i;
            y++;
            if (y == window.Height)
            {
                y = 0;
                x++;
                row = int.MinValue;
            }
        }
        return bits;
    }

    /// <summary>
    /// Returns where a pixel lies on the mask, in cells. It is clamped to one cell outside, because everything beyond is 0.
    /// </summary>
    private static float Position(int px, float start, float step, float shift, int side)
        => XMath.Max(XMath.Min((px + 0.5f - start) * step - shift, side), -1);

    private static float MixAlongX(ArrayView<float> probabilities, int first, int side, int row, float u)
    {
        var column = (int)XMath.Floor(u);
        if (row < 0 || row >= side)
            return 0;
        var left = column < 0 || column >= side ? 0 : probabilities[first + row * side + column];
        var right = column + 1 >= side ? 0 : probabilities[first + row * side + column + 1];
        return left * (1 - (u - column)) + right * (u - column);
    }

    /// <param name="Words">The words of all windows.</param>
    /// <param name="Windows">The number of windows.</param>
    /// <param name="Side">Cells along a mask's side.</param>
    /// <param name="Threshold">The probability to compare with, 0…1.</param>
    /// <param name="Inclusive">1 if the threshold itself is in; otherwise 0.</param>
    internal readonly record struct Sizes(int Words, int Windows, int Side, float Threshold, int Inclusive);
}

/// <summary>Where a mask belongs: an object's box, and the size of its picture, in px.</summary>
internal readonly record struct MaskTarget(Box BoxImagePx, int Width, int Height);

/// <summary>An object's mask at picture size.</summary>
/// <param name="Words">One bit for each pixel of the window, 32 pixels per word, column by column.</param>
/// <param name="Window">The part of the picture that the bits cover. Nothing outside it belongs to the object.</param>
internal readonly record struct PastedMask(ReadOnlyMemory<uint> Words, MaskWindow Window);
