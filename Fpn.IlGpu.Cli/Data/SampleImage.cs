using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Cli;

/// <summary>Pictures and masks as the network's input has them: what the device does with a sample, for people to see.</summary>
internal static class SampleImage
{
    /// <summary>Resizes by bilinear interpolation between pixel centres, as the network's input is made.</summary>
    public static RgbImage Resized(RgbImage image, int width, int height)
    {
        if ((image.Width, image.Height) == (width, height))
            return image;
        var resized = new RgbImage(width, height);
        var (stepX, stepY) = ((float)image.Width / width, (float)image.Height / height);
        for (var y = 0; y < height; y++)
        {
            var (upper, lower, fy) = Source(y, stepY, image.Height);
            for (var x = 0; x < width; x++)
            {
                var (left, right, fx) = Source(x, stepX, image.Width);
                for (var c = 0; c < RgbImage.Channels; c++)
                {
                    var above = (1 - fx) * Level(left, upper, c) + fx * Level(right, upper, c);
                    var below = (1 - fx) * Level(left, lower, c) + fx * Level(right, lower, c);
                    resized.Pixels[(y * width + x) * RgbImage.Channels + c] = (byte)((1 - fy) * above + fy * below + 0.5f);
                }
            }
        }
        return resized;

        float Level(int x, int y, int c) => image.Pixels[(y * image.Width + x) * RgbImage.Channels + c];
    }

    /// <summary>Repeats each pixel.</summary>
    public static RgbImage Enlarged(RgbImage image, int times)
    {
        if (times == 1)
            return image;
        var enlarged = new RgbImage(image.Width * times, image.Height * times);
        for (var y = 0; y < enlarged.Height; y++)
        {
            for (var x = 0; x < enlarged.Width; x++)
            {
                image.Pixels.AsSpan((y / times * image.Width + x / times) * RgbImage.Channels, RgbImage.Channels)
                    .CopyTo(enlarged.Pixels.AsSpan((y * enlarged.Width + x) * RgbImage.Channels));
            }
        }
        return enlarged;
    }

    /// <summary>Resizes a mask by nearest neighbour, as for the mask head's targets.</summary>
    public static ObjectMask Resized(ObjectMask mask, int width, int height)
    {
        var (before, after) = (mask.ToPixels(), new byte[width * height]);
        for (var y = 0; y < height; y++)
        {
            var row = (int)((long)y * mask.Height / height) * mask.Width;
            for (var x = 0; x < width; x++)
                after[y * width + x] = before[row + (int)((long)x * mask.Width / width)];
        }
        return ObjectMask.FromPixels(after, width, height);
    }

    private static (int Low, int High, float Fraction) Source(int index, float step, int inputs)
    {
        var position = Math.Max(step * (index + 0.5f) - 0.5f, 0);
        var low = Math.Min((int)position, inputs - 1);
        return (low, Math.Min(low + 1, inputs - 1), Math.Min(position - low, 1));
    }
}
