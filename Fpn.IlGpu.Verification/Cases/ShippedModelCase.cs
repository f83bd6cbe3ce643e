using System.Globalization;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Verification;

/// <summary>
/// The shipped model from pixels to boxes on a drawn picture of three rectangles and three discs. The result is compared with
/// torchvision's detections in the same pixels with the same weights.
/// </summary>
internal static class ShippedModelCase
{
    private const int Side = 320;

    // Objects with lower scores are not compared: those near the threshold of 0.05 depend on the last bit.
    private const float Sure = 0.5f;
    private const float LeastIoU = 0.99f;
    private const float ScoreTolerance = 1e-3f;

    public static VerifiedOperator Operator => new("the shipped model", [new($"{Side}×{Side} px, six shapes", Run)]);

    /// <summary>torchvision's detections, best first (printed by Parity/fixtures/make_verification.py of the tests).</summary>
    internal static IReadOnlyList<(string Label, float Score, Box BoxImagePx)> Expected { get; } =
    [
        ("circle", 0.999947f, new(87.705f, 266.627f, 124.059f, 304.422f)),
        ("circle", 0.999912f, new(144.156f, 23.690f, 217.141f, 96.979f)),
        ("square", 0.999906f, new(248.933f, 38.578f, 291.121f, 81.645f)),
        ("square", 0.999822f, new(22.401f, 31.103f, 106.574f, 110.573f)),
        ("circle", 0.999820f, new(137.900f, 126.759f, 292.444f, 283.849f)),
        ("square", 0.999799f, new(39.725f, 239.840f, 70.659f, 270.226f)),
    ];

    /// <summary>Draws the picture: light grey with the shapes on it.</summary>
    internal static RgbImage Picture()
    {
        var picture = new RgbImage(Side, Side);
        Fill(picture, (200, 205, 195), (_, _) => true);
        Fill(picture, (30, 60, 170), (x, y) => x is >= 24 and < 104 && y is >= 30 and < 110);
        Fill(picture, (200, 40, 40), (x, y) => x is >= 250 and < 290 && y is >= 40 and < 80);
        Fill(picture, (20, 120, 60), (x, y) => x is >= 40 and < 70 && y is >= 240 and < 270);
        Fill(picture, (230, 170, 20), Disc(180, 60, 36));
        Fill(picture, (90, 20, 110), Disc(215, 205, 78));
        Fill(picture, (10, 90, 100), Disc(105, 285, 18));
        return picture;
    }

    private static void Run(Runtime.Device device, Findings findings)
    {
        using var detector = Detector.Load(device);
        DetectedObject[] found = [.. detector.Detect(Picture()).Where(o => o.Score > Sure)];
        var left = found.ToList();
        foreach (var (label, score, box) in Expected)
        {
            var what = string.Create(CultureInfo.InvariantCulture, $"the {label} at {box.X1:F0}, {box.Y1:F0} px");
            var best = left.Where(o => o.Label == label).OrderByDescending(o => IoU(o.BoxImagePx, box)).Take(1).ToArray();
            findings.Same([best.Length], [1], $"matches of {what}");
            if (best.Length == 0)
                continue;
            left.Remove(best[0]);
            findings.Close([best[0].Score], [score], ScoreTolerance, 0, [1], $"score of {what}");
            findings.Close([1 - IoU(best[0].BoxImagePx, box)], [0], 1 - LeastIoU, 0, [1], $"1 − IoU of {what}");
        }
        findings.Same([found.Length], [Expected.Count], "number of objects");
    }

    // As in NMS, except that NaN stays NaN, which never agrees.
    private static float IoU(Box a, Box b)
    {
        var w = Math.Max(0, Math.Min(a.X2, b.X2) - Math.Max(a.X1, b.X1));
        var h = Math.Max(0, Math.Min(a.Y2, b.Y2) - Math.Max(a.Y1, b.Y1));
        return w * h / (a.Area + b.Area - w * h);
    }

    private static Func<int, int, bool> Disc(int centreX, int centreY, int radius)
        => (x, y) => (x - centreX) * (x - centreX) + (y - centreY) * (y - centreY) <= radius * radius;

    private static void Fill(RgbImage picture, (byte R, byte G, byte B) colour, Func<int, int, bool> inside)
    {
        for (var y = 0; y < picture.Height; y++)
        {
            for (var x = 0; x < picture.Width; x++)
            {
                if (!inside(x, y))
                    continue;
                var at = (y * picture.Width + x) * RgbImage.Channels;
                (picture.Pixels[at], picture.Pixels[at + 1], picture.Pixels[at + 2]) = colour;
            }
        }
    }
}
