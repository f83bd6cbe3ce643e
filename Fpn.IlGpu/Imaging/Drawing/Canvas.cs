namespace Fpn.IlGpu.Imaging;

/// <summary>A colour, 8 bits per channel.</summary>
internal readonly record struct Rgb(byte R, byte G, byte B)
{
    public static Rgb Black => default;

    public static Rgb White => new(255, 255, 255);
}

/// <summary>Draws on a picture, clipped to its bounds.</summary>
internal sealed class Canvas(RgbImage image)
{
    public int Width => image.Width;

    public int Height => image.Height;

    /// <summary>Fills a rectangle; <paramref name="opacity"/> is 0 to 1.</summary>
    public void Fill(PixelRectangle rectangle, Rgb colour, float opacity = 1)
    {
        int left = Math.Max(0, rectangle.Left), right = Math.Min(Width, rectangle.Right);
        int top = Math.Max(0, rectangle.Top), bottom = Math.Min(Height, rectangle.Bottom);
        for (var y = top; y < bottom; y++)
        {
            for (var x = left; x < right; x++)
                Blend(x, y, colour, opacity);
        }
    }

    /// <summary>Draws a frame, <paramref name="thickness"/> px thick, along the inside of a rectangle's edges.</summary>
    public void Frame(PixelRectangle rectangle, int thickness, Rgb colour, float opacity = 1)
    {
        (var left, var top, var right, var bottom) = rectangle;
        var upper = Math.Min(top + thickness, bottom);
        var lower = Math.Max(bottom - thickness, upper);
        var innerLeft = Math.Min(left + thickness, right);
        var innerRight = Math.Max(right - thickness, innerLeft);
        Fill(new(left, top, right, upper), colour, opacity);
        Fill(new(left, lower, right, bottom), colour, opacity);
        Fill(new(left, upper, innerLeft, lower), colour, opacity);
        Fill(new(innerRight, upper, right, lower), colour, opacity);
    }

    /// <summary>Blends a colour into a pixel; a pixel off the picture is ignored.</summary>
    public void Blend(int x, int y, Rgb colour, float opacity)
    {
        if ((uint)x >= (uint)Width || (uint)y >= (uint)Height)
            return;
        var pixel = image.Pixels.AsSpan(((y * Width) + x) * RgbImage.Channels, RgbImage.Channels);
        pixel[0] = Mix(pixel[0], colour.R, opacity);
        pixel[1] = Mix(pixel[1], colour.G, opacity);
        pixel[2] = Mix(pixel[2], colour.B, opacity);
    }

    private static byte Mix(byte below, byte above, float opacity) => (byte)(below + ((above - below) * opacity) + 0.5f);
}
