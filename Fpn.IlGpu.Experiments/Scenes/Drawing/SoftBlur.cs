using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Experiments.Scenes;

/// <summary>
/// A Gaussian blur as three box filters in each direction. Their width need not be an integer: the outermost px on either side have a
/// fractional weight (Gwosdek et al., "Theoretical foundations of Gaussian convolution by extended box filtering", 2011).
/// <code>
/// σ² = radius² / 3     l = ⌊(√(12σ² + 1) − 1) / 2⌋     α = (2l + 1) (l(l + 1) − 3σ²) / (6 (σ² − (l + 1)²))
/// out = inner · Σ_{|i| ≤ l} in[x + i] + outer · (in[x − l − 1] + in[x + l + 1])     inner = 1 / (2(l + α) + 1)
/// </code>
/// Border px are repeated. Weights are integer multiples of 2⁻²⁴ and each pass rounds to 8 bits, as in Pillow.
/// </summary>
internal static class SoftBlur
{
    private const int Passes = 3;
    private const int One = 1 << 24;

    /// <summary>Blurs a picture in place.</summary>
    public static void Apply(RgbImage image, float radius)
    {
        var variance = radius * radius / Passes;
        var length = (float)Math.Sqrt(12.0 * variance + 1.0);
        var whole = (float)Math.Floor((length - 1.0) / 2.0);
        var part = (2 * whole + 1) * (whole * (whole + 1) - 3 * variance);
        part /= 6 * (variance - (whole + 1) * (whole + 1));
        var reach = whole + part;

        var l = (int)reach;
        var inner = (uint)(One / (reach * 2 + 1));
        var outer = (One - (uint)(l * 2 + 1) * inner) / 2;
        var (w, h) = (image.Width, image.Height);
        var line = new byte[Math.Max(w, h)];
        for (var c = 0; c < RgbImage.Channels; c++)
        {
            for (var y = 0; y < h; y++)
                Filter(image.Pixels, y * w * 3 + c, 3, w);
            for (var x = 0; x < w; x++)
                Filter(image.Pixels, x * 3 + c, w * 3, h);
        }
        void Filter(byte[] pixels, int first, int stride, int count)
        {
            for (var pass = 0; pass < Passes; pass++)
            {
                for (var i = 0; i < count; i++)
                    line[i] = pixels[first + i * stride];
                for (var i = 0; i < count; i++)
                {
                    uint sum = 0;
                    for (var j = i - l; j <= i + l; j++)
                        sum += line[Math.Clamp(j, 0, count - 1)];
                    var ends = (uint)(line[Math.Max(i - l - 1, 0)] + line[Math.Min(i + l + 1, count - 1)]);
                    pixels[first + i * stride] = (byte)((sum * inner + ends * outer + One / 2) >> 24);
                }
            }
        }
    }
}
