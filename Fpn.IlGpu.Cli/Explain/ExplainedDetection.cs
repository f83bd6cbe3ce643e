using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Cli;

/// <summary>What a page is about: a picture, a detector, and the stages of the detection.</summary>
/// <param name="Name">The picture's file name.</param>
/// <param name="Picture">The picture.</param>
/// <param name="Detector">The detector.</param>
/// <param name="Trace">Its stages on this picture.</param>
/// <param name="Model">The model, for readers.</param>
/// <param name="Device">The device, for readers.</param>
/// <param name="Timeline">The launches of a detection with their times; null where the page is to be the same every time.</param>
internal sealed record ExplainedDetection(
    string Name, RgbImage Picture, FasterRcnn Detector, DetectionTrace Trace, string Model, string Device, Timeline? Timeline)
{
    /// <summary>The score from which on objects are drawn.</summary>
    public const float LeastShown = 0.5f;

    // Enough to choose from where nothing was found.
    private const int LeastRois = 10;

    /// <summary>The class box behind each object, in the objects' order.</summary>
    public IReadOnlyList<TracedClassBox> ObjectBoxes { get; } =
        [.. Trace.ClassBoxes.Where(box => box.IsKept).OrderByDescending(box => box.Score).Take(Trace.Objects.Count)];

    /// <summary>The RoIs that a reader can choose: those of the objects, then the best.</summary>
    public IReadOnlyList<int> ShownRois
    {
        get
        {
            int[] own = [.. ObjectBoxes.Select(box => box.Roi).Distinct()];
            var more = Enumerable.Range(0, Trace.Rois.Count).Except(own).Take(Math.Max(0, LeastRois - own.Length));
            return [.. own, .. more];
        }
    }

    /// <summary>The channels of the pyramid that vary most, the first of which RoIAlign is shown on.</summary>
    public IReadOnlyList<int> Channels { get; } = [.. Enumerable.Range(0, Trace.Pyramid[Trace.Pyramid.Finest].Channels)
        .OrderByDescending(c => Trace.TopDown.Select(merge => merge.Merged).Sum(map => Deviation(map, c))).Take(3)];

    /// <summary>The objects that are drawn.</summary>
    public IReadOnlyList<DetectedObject> ShownObjects { get; } = [.. Trace.Objects.Where(found => found.Score >= LeastShown)];

    /// <summary>The picture with its objects.</summary>
    public RgbImage Drawn()
    {
        var drawn = new RgbImage(Picture.Width, Picture.Height, [.. Picture.Pixels]);
        drawn.Draw(ShownObjects);
        return drawn;
    }

    /// <summary>The network's input as a picture.</summary>
    public RgbImage Input()
    {
        var (map, c) = (Trace.Input, Detector.Configuration);
        var image = new RgbImage(map.Width, map.Height);
        for (var i = 0; i < map.Values.Length; i++)
        {
            var channel = i % 3;
            var value = (map.Values[i] * c.Std[channel] + c.Mean[channel]) / c.PixelScale;
            image.Pixels[i - channel + (c.Bgr ? 2 - channel : channel)] = (byte)Math.Clamp(MathF.Round(value), 0, 255);
        }
        return image;
    }

    private static double Deviation(TracedMap map, int channel)
    {
        double sum = 0, squares = 0;
        for (var i = channel; i < map.Values.Length; i += map.Channels)
        {
            sum += map.Values[i];
            squares += (double)map.Values[i] * map.Values[i];
        }
        var pixels = map.Height * map.Width;
        return Math.Sqrt(Math.Max(0, squares / pixels - sum / pixels * (sum / pixels)));
    }
}
