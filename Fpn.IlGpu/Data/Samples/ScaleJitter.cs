using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Data;

/// <summary>
/// Large-scale jitter (Ghiasi et al. 2021, section 3): ScaleJitter and FixedSizeCrop of torchvision's references. The picture is
/// resized by a random factor, where 1 fits it into a square; what is then larger than the square is cropped at a random place.
/// <code>factor = min(side / width, side / height) · uniform(smallest, largest)</code>
/// The crop is cut out of the original picture in whole px and then resized, so that its border is up to half a px of the original
/// away from where a crop after resizing has it. Objects of which nothing is left are dropped; the others are clipped. What
/// FixedSizeCrop pads is left to the batch, which is padded to its largest picture.
/// </summary>
public sealed record ScaleJitter
{
    /// <summary>The least factor.</summary>
    public double Smallest { get; init; } = 0.1;

    /// <summary>The greatest factor.</summary>
    public double Largest { get; init; } = 2;

    /// <summary>The side of the square, in px of the network's input; 0 for 1.28 times the model's <c>min_size</c>.</summary>
    public int Side { get; init; }

    /// <summary>What is wrong with the values, as the end of a sentence; null if nothing is.</summary>
    internal string? Problem()
    {
        const string key = "'data.augment.scale_jitter";
        if (!(Smallest >= 0.01 && Smallest <= Largest && Largest <= 100))
            return $"{key}' takes a 'smallest' of at least 0.01 and a 'largest' of at least that, up to 100";
        return Side is 0 or (>= 32 and <= 8192) ? null : $"{key}.side' must be from 32 to 8192 px, or 0 for a side that suits the model";
    }

    /// <summary>Draws the part of the picture that is used, and the size that it is resized to.</summary>
    /// <param name="width">The picture's width, in px.</param>
    /// <param name="height">The picture's height, in px.</param>
    /// <param name="random">The source of chance.</param>
    internal (PixelRectangle Part, int ResizedH, int ResizedW) Draw(int width, int height, KeyedRandom random)
    {
        var scale = Smallest + random.NextUnit() * (Largest - Smallest);
        var factor = Math.Min((double)Side / width, (double)Side / height) * scale;
        var place = random.NextUnit();
        var (left, partW, resizedW) = Along(width, factor, place);
        var (top, partH, resizedH) = Along(height, factor, place);
        return (new PixelRectangle(left, top, left + partW, top + partH), resizedH, resizedW);
    }

    private (int Start, int Length, int Resized) Along(int length, double factor, double place)
    {
        var whole = Math.Max(1, (int)(length * factor));
        if (whole <= Side)
            return (0, length, whole);
        var step = (double)length / whole;
        var part = Math.Clamp((int)Math.Round(Side * step), 1, length);
        return (Math.Min((int)Math.Round((int)((whole - Side) * place) * step), length - part), part, Side);
    }
}
