using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Data;

/// <summary>
/// The augmentation of training pictures: random mirroring, and resizing to one of several sizes; on request also changes of colour,
/// crops and large-scale jitter, in this order. The choices depend only on seed, epoch and picture, and those of each kind on no other.
/// </summary>
internal sealed record Augmentation
{
    private const long Purpose = 1;
    private const long PhotometricPurpose = 4;
    private const long CropPurpose = 5;
    private const long JitterPurpose = 6;

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

    /// <summary>Random changes of colour; null for none.</summary>
    public PhotometricDistort? Photometric { get; init; }

    /// <summary>Random crops around objects; null for none.</summary>
    public IouCrop? Crop { get; init; }

    /// <summary>Large-scale jitter, which takes the place of <see cref="ShorterSides"/>; null for none. It needs its side.</summary>
    public ScaleJitter? Jitter { get; init; }

    internal void Check()
    {
        if ((Photometric?.Problem() ?? Crop?.Problem() ?? Jitter?.Problem()) is { } problem)
            throw new ArgumentOutOfRangeException(nameof(Augmentation), $"{problem}.");
        if (Jitter is not null)
            ArgumentOutOfRangeException.ThrowIfZero(Jitter.Side, nameof(Jitter));
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
        if (withMasks)
            CheckMasks(picture);
        Photometric?.Apply(picture.Image, new KeyedRandom(seed, PhotometricPurpose, epoch, index));
        var part = new PixelRectangle(0, 0, picture.Image.Width, picture.Image.Height);
        if (Crop?.Draw(part.Width, part.Height, Counting(picture), new KeyedRandom(seed, CropPurpose, epoch, index)) is { } crop)
        {
            // What is ignored has to stay so, however little of it is left.
            picture = PictureCrop.Of(picture, crop, o => IsIgnored(o) || IouCrop.HasCentre(crop, o.BoxImagePx), withMasks);
            part = crop;
        }
        int h, w;
        if (Jitter is not null)
        {
            (var inner, h, w) = Jitter.Draw(part.Width, part.Height, new KeyedRandom(seed, JitterPurpose, epoch, index));
            picture = PictureCrop.Of(picture, inner, _ => true, withMasks);
            part = new PixelRectangle(part.Left + inner.Left, part.Top + inner.Top, part.Left + inner.Right, part.Top + inner.Bottom);
        }
        else
        {
            (h, w) = ResizedSize.Of(part.Height, part.Width, side, LongestSide, RoundsSides);
        }
        var image = picture.Image;
        var (scaleX, scaleY) = ((float)w / image.Width, (float)h / image.Height);
        if (flip)
            Mirror(image);
        return new TrainingSample(image, h, w, [.. picture.Objects.Select(ToSample)], index)
        {
            IsMirrored = flip,
            Part = Crop is null && Jitter is null ? null : part,
        };

        SampleObject ToSample(AnnotatedObject o)
        {
            var box = o.BoxImagePx;
            var (left, right) = flip ? (image.Width - box.X2, image.Width - box.X1) : (box.X1, box.X2);
            var ignored = IsIgnored(o);
            return new SampleObject(new Box(left * scaleX, box.Y1 * scaleY, right * scaleX, box.Y2 * scaleY), o.ClassIndex, ignored)
            {
                Mask = withMasks && !ignored && o.Mask is { } mask ? (flip ? mask.Mirrored() : mask) : null,
            };
        }
    }

    private static bool IsIgnored(AnnotatedObject o) => o.IsCrowd || o.IsIgnored;

    private static Box[] Counting(SourcePicture picture) => [.. picture.Objects.Where(o => !IsIgnored(o)).Select(o => o.BoxImagePx)];

    private static void CheckMasks(SourcePicture picture)
    {
        var image = picture.Image;
        foreach (var mask in picture.Objects.Where(o => !IsIgnored(o)).Select(o => o.Mask).OfType<ObjectMask>())
        {
            if (mask.Width != image.Width || mask.Height != image.Height)
            {
                throw new ArgumentException(
                    $"A mask is {mask.Width} × {mask.Height} px, its picture {image.Width} × {image.Height} px.", nameof(picture));
            }
        }
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
