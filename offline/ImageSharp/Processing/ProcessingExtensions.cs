using SixLabors.ImageSharp.PixelFormats;

namespace SixLabors.ImageSharp.Processing;

internal interface IImageProcessingContext
{
    IImageProcessingContext AutoOrient();
}

internal static class ProcessingExtensions
{
    public static void Mutate<TPixel>(this Image<TPixel> source, Action<IImageProcessingContext> operation)
        where TPixel : unmanaged, IPixel<TPixel> =>
        operation(new Context<TPixel>(source));

    private sealed class Context<TPixel>(Image<TPixel> image) : IImageProcessingContext
        where TPixel : unmanaged, IPixel<TPixel>
    {
        /// <summary>Turns and mirrors the picture as its EXIF orientation asks.</summary>
        public IImageProcessingContext AutoOrient()
        {
            int orientation = image.Orientation;
            image.Orientation = 1;
            if (orientation is < 2 or > 8)
            {
                return this;
            }

            int width = image.Width, height = image.Height;
            bool swapped = orientation >= 5;
            (int newWidth, int newHeight) = swapped ? (height, width) : (width, height);

            // A step to the right and a step down in the new picture are these steps in the old one.
            (int start, int right, int down) = orientation switch
            {
                2 => (width - 1, -1, width),
                3 => ((width * height) - 1, -1, -width),
                4 => ((height - 1) * width, 1, -width),
                5 => (0, width, 1),
                6 => ((height - 1) * width, -width, 1),
                7 => ((width * height) - 1, -width, -1),
                _ => (width - 1, width, -1),
            };

            var turned = new TPixel[newWidth * newHeight];
            ReadOnlySpan<TPixel> pixels = image.Pixels;
            for (int y = 0, to = 0; y < newHeight; y++)
            {
                int from = start + (y * down);
                for (int x = 0; x < newWidth; x++, from += right)
                {
                    turned[to++] = pixels[from];
                }
            }

            image.Replace(turned, newWidth, newHeight);
            return this;
        }
    }
}
