using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Data;

/// <summary>
/// The augmentation of training pictures: random mirroring, and resizing to one of several sizes. The choices depend only on
/// seed, epoch and picture.
/// </summary>
public sealed record Augmentation
{
    private const long Purpose = 1;

    /// <summary>The probability of mirroring a picture left to right, 0…1.</summary>
    public double FlipProbability { get; init; } = 0.5;

    /// <summary>The lengths, in px, from which the shorter side's is drawn with equal probability.</summary>
    public IReadOnlyList<int> ShorterSides { get; init; } = [800];

    /// <summary>Whether any length between the least and the greatest of <see cref="ShorterSides"/> may be drawn.</summary>
    public bool AnySideBetween { get; init; }

    /// <summary>The upper limit of the longer side, in px; it takes precedence over the shorter side's length.</summary>
    public int LongestSide { get; init; } = 1333;

    /// <summary>Whether sides are rounded to the nearest px, as in Detectron2, instead of down, as in torchvision.</summary>
    public bool RoundsSides { get; init; }

    internal void Check()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(FlipProbability, 0, nameof(FlipProbability));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(FlipProbability, 1, nameof(FlipProbability));
        ArgumentOutOfRangeException.ThrowIfZero(ShorterSides.Count, nameof(ShorterSides));
        ArgumentOutOfRangeException.ThrowIfLessThan(ShorterSides.Min(), 1, nameof(ShorterSides));
        ArgumentOutOfRangeException.ThrowIfLessThan(LongestSide, 1);
    }

    /// <summary>Augments a picture.</summary>
    /// <exception cref="ArgumentException">A mask that is needed has not the size of its picture.</exception>
    internal TrainingSample Apply(SourcePicture picture, long seed, long epoch, int index, bool withMasks = false)
    {
        var random = new KeyedRandom(seed, Purpose, epoch, index);
        var flip = random.NextUnit() < FlipProbability;
        var side = AnySideBetween
            ? ShorterSides.Min() + random.NextBelow(ShorterSides.Max() - ShorterSides.Min() + 1)
            : ShorterSides[random.NextBelow(ShorterSides.Count)];
        var image = picture.Image;
        var (h, w) = ResizedSize.Of(image.Height, image.Width, side, LongestSide, RoundsSides);
        var (scaleX, scaleY) = ((float)w / image.Width, (float)h / image.Height);
        if (flip)
            Mirror(image);
        return new TrainingSample(image, h, w, [.. picture.Objects.Select(ToSample)], index) { IsMirrored = flip };

        SampleObject ToSample(AnnotatedObject o)
        {
            var box = o.BoxImagePx;
            var (left, right) = flip ? (image.Width - box.X2, image.Width - box.X1) : (box.X1, box.X2);
            var ignored = o.IsCrowd || o.IsIgnored;
            return new SampleObject(new Box(left * scaleX, box.Y1 * scaleY, right * scaleX, box.Y2 * scaleY), o.ClassIndex, ignored)
            {
                Mask = withMasks && !ignored && o.Mask is { } mask ? Mask(mask, image, flip) : null,
            };
        }
    }

    private static ObjectMask Mask(ObjectMask mask, RgbImage image, bool flip)
    {
        if (mask.Width != image.Width || mask.Height != image.Height)
        {
            throw new ArgumentException(
                $"A mask is {mask.Width} × {mask.Height} px, its picture {image.Width} × {image.Height} px.", nameof(mask));
        }
        return flip ? mask.Mirrored() : mask;
    }

    private static void Mirror(RgbImage image)
    {
        var row = image.Width * RgbImage.Channels;
        for (var y = 0; y < image.Height; y++)
        {
            // Reversing the bytes also reverses the channels of each pixel, which are then swapped back.
            var bytes = image.Pixels.AsSpan(y * row, row);
            bytes.Reverse();
            for (var x = 0; x < row; x += RgbImage.Channels)
                (bytes[x], bytes[x + 2]) = (bytes[x + 2], bytes[x]);
        }
    }
}
