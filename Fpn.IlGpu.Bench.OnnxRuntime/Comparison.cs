using System.Diagnostics;
using System.Globalization;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Bench.OnnxRuntime;

/// <summary>
/// Compares the objects that ONNX Runtime and the library find in the same pictures. Both compute in float32, but add in another order:
/// they are equal if each object of one has a counterpart of the same class, whose score and box differ by rounding only.
/// </summary>
internal static class Comparison
{
    private const float ScoreTolerance = 1e-4f;
    private const float BoxTolerancePx = 0.05f;

    // Of the pixels of both masks together: pixels whose probability is close to the threshold.
    private const double MaskTolerance = 0.01;

    /// <summary>Runs both on each picture, and prints a row for each.</summary>
    /// <returns>0 if all detections are equal; otherwise 1.</returns>
    public static int Run(string model, IReadOnlyList<string> pictures, string? weights, string? configuration, int runs, int threads)
    {
        using var device = Device.Open("cpu");
        using var library = Detector.Load(device, weights ?? model, configuration);
        using var peer = new OnnxDetector(model, threads);
        Console.WriteLine("objects  only here  only there    score  box, px    mask  picture");
        var equal = true;
        foreach (var path in pictures)
        {
            var picture = PictureReader.Read(path);
            var difference = Compare(device, library, picture, peer.Detect(picture), library.Detect(picture));
            equal &= difference.IsWithin;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{difference.Objects,7}  {difference.OnlyHere,9}  {difference.OnlyThere,10}  {difference.Score,7:0.0e+0}  "
                + $"{difference.BoxPx,7:0.0000}  {difference.Mask,6:0.0000}  {path}{(difference.IsWithin ? "" : "  DIFFERENT")}"));
        }
        Console.WriteLine(equal
            ? $"Equal: scores within {ScoreTolerance.ToString(CultureInfo.InvariantCulture)}, boxes within {BoxTolerancePx.ToString(CultureInfo.InvariantCulture)} px."
            : "The detections differ.");
        if (runs > 0)
            Time(pictures, runs, peer, library);
        return equal ? 0 : 1;
    }

    private static Difference Compare(
        Device device, Detector library, RgbImage picture, IReadOnlyList<OnnxObject> there, IReadOnlyList<DetectedObject> here)
    {
        var masks = Paste(device, library, picture, there);
        var left = Enumerable.Range(0, there.Count).ToList();
        var difference = new Difference(here.Count, 0, 0, 0, 0, 0);
        foreach (var own in here)
        {
            var nearest = left.Where(i => there[i].ClassId == own.ClassId).OrderBy(i => Distance(there[i], own)).Cast<int?>().FirstOrDefault();
            if (nearest is not { } i || Distance(there[i], own) > 1)
            {
                difference = difference with { OnlyHere = difference.OnlyHere + 1 };
                continue;
            }
            left.Remove(i);
            difference = difference with
            {
                Score = Math.Max(difference.Score, Math.Abs(there[i].Score - own.Score)),
                BoxPx = Math.Max(difference.BoxPx, Distance(there[i], own)),
                Mask = Math.Max(difference.Mask, own.Mask is { } mask ? Disagreement(mask, masks[i]) : 0),
            };
        }
        return difference with { OnlyThere = left.Count };
    }

    /// <summary>The largest difference of two boxes' edges, in px.</summary>
    private static float Distance(OnnxObject there, DetectedObject here)
    {
        var (a, b) = (there.BoxImagePx, here.BoxImagePx);
        return Math.Max(
            Math.Max(Math.Abs(a.X1 - b.X1), Math.Abs(a.Y1 - b.Y1)), Math.Max(Math.Abs(a.X2 - b.X2), Math.Abs(a.Y2 - b.Y2)));
    }

    /// <summary>Pastes the grids of probabilities into masks of the picture's size, as the library does with its own.</summary>
    private static ObjectMask[] Paste(Device device, Detector library, RgbImage picture, IReadOnlyList<OnnxObject> found)
    {
        if (library is not MaskRcnn || found.Count == 0)
            return [];
        var side = (int)Math.Sqrt(found[0].Mask.Length);
        using var probabilities = device.Upload<float>([.. found.SelectMany(o => o.Mask)]);
        return ObjectMasks.Paste(
            device, probabilities.View, side, [.. found.Select(o => new MaskTarget(o.BoxImagePx, picture.Width, picture.Height))],
            library.Configuration.MaskThreshold, library.Configuration.MaskBoxRounded);
    }

    /// <summary>The share of the pixels of both masks that belong to one alone.</summary>
    private static double Disagreement(ObjectMask a, ObjectMask b)
    {
        var common = MaskOverlap.Intersection(a, b);
        var all = a.Area + b.Area - common;
        return all == 0 ? 0 : 1 - (double)common / all;
    }

    // One after the other, so that neither takes the other's cores.
    private static void Time(IReadOnlyList<string> pictures, int runs, OnnxDetector peer, Detector library)
    {
        List<RgbImage> read = [.. pictures.Select(path => PictureReader.Read(path))];
        var there = Median(read, runs, picture => peer.Detect(picture));
        var here = Median(read, runs, picture => library.Detect(picture));
        Console.WriteLine("ONNX Runtime  library     ratio  picture");
        foreach (var (i, path) in pictures.Index())
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{there[i],9:0.0} ms  {here[i],4:0.0} ms  {there[i] / here[i],6:0.00}  {path}"));
        }
    }

    /// <summary>The median time of each picture, in ms; a first run is not counted.</summary>
    private static double[] Median(List<RgbImage> pictures, int runs, Action<RgbImage> detect) => [.. pictures.Select(picture =>
    {
        detect(picture);
        double[] times = [.. Enumerable.Range(0, runs).Select(_ =>
        {
            var clock = Stopwatch.StartNew();
            detect(picture);
            return clock.Elapsed.TotalMilliseconds;
        }).Order()];
        return times[times.Length / 2];
    })];

    /// <summary>How the detections of a picture differ.</summary>
    /// <param name="Objects">The number of the library's detections.</param>
    /// <param name="OnlyHere">Detections that only the library has.</param>
    /// <param name="OnlyThere">Detections that only ONNX Runtime has.</param>
    /// <param name="Score">The largest difference of scores.</param>
    /// <param name="BoxPx">The largest difference of edges, in px.</param>
    /// <param name="Mask">The largest share of the pixels of two masks that belong to one alone.</param>
    private sealed record Difference(int Objects, int OnlyHere, int OnlyThere, float Score, float BoxPx, double Mask)
    {
        public bool IsWithin
            => OnlyHere + OnlyThere == 0 && Score <= ScoreTolerance && BoxPx <= BoxTolerancePx && Mask <= MaskTolerance;
    }
}
