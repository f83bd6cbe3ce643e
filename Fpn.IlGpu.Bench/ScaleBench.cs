using System.CommandLine;
using System.Text.Json.Nodes;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Bench;

/// <summary>
/// <c>scale</c>: measures how the time of a detection grows with picture size, batch size and number of proposals. Device
/// memory is the peak so far, so each table opens the device anew and goes from small to large.
/// </summary>
internal static class ScaleBench
{
    private const int GrowthFrom = 320;
    private const int GrowthTo = 1600;

    private static readonly int[] Sides = [256, GrowthFrom, 480, 640, 800, 1120, GrowthTo];
    private static readonly int[] Batches = [1, 2, 4, 8, 16];
    private static readonly int[] ProposalCounts = [100, 300, 500, 1000, 2000];

    public static Command Create()
    {
        var options = new BenchOptions();
        var size = BenchOptions.Size("Size of the pictures for batches and for proposals. Default: 480x640.");
        var runs = BenchOptions.Runs(5, "Number of detections; the median counts.");
        var only = new Option<string?>("--only") { Description = "Only this table.", HelpName = "sizes|batches|proposals" };
        only.AcceptOnlyFromAmong("sizes", "batches", "proposals");
        var command = new Command("scale", "Times detections by picture size, batch size and number of proposals.") { size, runs, only };
        foreach (var option in options.OfDevice)
            command.Add(option);
        command.SetAction(parsed =>
        {
            using var model = BenchModel.Prepare(BenchModel.ResNet50, parsed.GetValue(size) ?? new PictureSize(480, 640), peer: null);
            Results? results = null;
            foreach (var (name, measure) in new (string, Func<Device, BenchModel, int, JsonNode>)[]
                { ("sizes", OverSizes), ("batches", OverBatches), ("proposals", OverProposals) })
            {
                if (parsed.GetValue(only) is { } wanted && wanted != name)
                    continue;
                using var device = options.OpenDevice(parsed);
                if (results is null)
                {
                    results = new Results("scale", device);
                    Results.Introduce(device, null);
                    Console.WriteLine($"{model.Title}, {parsed.GetValue(runs)} runs");
                }
                Console.WriteLine();
                results.Root[name] = measure(device, model, parsed.GetValue(runs));
            }
            results!.Write(parsed.GetValue(options.Json));
        });
        return command;
    }

    private static JsonObject OverSizes(Device device, BenchModel model, int runs)
    {
        var table = new MarkdownTable("picture", "megapixels", "ms", "ms a megapixel", "GFLOP/s", "CPU ms", "device MiB");
        var points = new JsonArray();
        var times = new Dictionary<int, (double Ms, double CpuMs)>();
        foreach (var side in Sides)
        {
            var size = new PictureSize(side, side);
            using var detector = model.Load(device, size);
            var picture = BenchModel.Noise(size);
            var (ms, cpuMs) = times[side] = Medians(detector, [picture], runs);
            var before = device.MultiplyAdds;
            detector.Detect(picture);
            var flop = 2.0 * (device.MultiplyAdds - before);
            var megapixels = side * side / 1e6;
            table.Add(
                $"{size}", MarkdownTable.Number(megapixels), MarkdownTable.Number(ms), MarkdownTable.Number(ms / megapixels),
                MarkdownTable.Number(flop / ms / 1e6), MarkdownTable.Number(cpuMs), MarkdownTable.Mebibytes(device.PeakMemoryBytes));
            points.Add(new JsonObject
            {
                ["side"] = side,
                ["ms"] = ms,
                ["cpu_ms"] = cpuMs,
                ["flop"] = flop,
                ["device_bytes"] = device.PeakMemoryBytes,
            });
        }
        table.Write(Console.Out);
        var pixels = (double)GrowthTo * GrowthTo / (GrowthFrom * GrowthFrom);
        var growth = times[GrowthTo].Ms / times[GrowthFrom].Ms / pixels;
        var cpuGrowth = times[GrowthTo].CpuMs / times[GrowthFrom].CpuMs / pixels;
        Console.WriteLine(
            $"\nFrom {GrowthFrom} to {GrowthTo} px the number of pixels grows by a factor of {MarkdownTable.Number(pixels)}. "
            + $"The time per pixel grows by a factor of {MarkdownTable.Number(growth)},\n"
            + $"and the processor time per pixel (CPU ms, of all threads) by {MarkdownTable.Number(cpuGrowth)}.");
        return new JsonObject
        {
            ["points"] = points,
            ["growth_relative_to_pixels"] = growth,
            ["cpu_growth_relative_to_pixels"] = cpuGrowth,
        };
    }

    private static JsonObject OverBatches(Device device, BenchModel model, int runs)
    {
        Console.WriteLine($"Pictures of {model.Size}; each batch alternates with the same number of pictures one by one:\n");
        var table = new MarkdownTable("batch", "ms", "ms a picture", "one by one, ms", "ratio", "device MiB");
        var points = new JsonArray();
        using var detector = model.Load(device);
        foreach (var count in Batches)
        {
            RgbImage[] batch = [.. Enumerable.Repeat(model.Picture, count)];
            detector.Detect(batch);
            detector.Detect(model.Picture);
            var together = new double[runs];
            var apart = new double[runs];
            for (var i = 0; i < runs; i++)
            {
                together[i] = Timing.Ms(() => detector.Detect(batch));
                apart[i] = Timing.Ms(() => Array.ForEach(batch, picture => detector.Detect(picture)));
            }
            var (ms, single) = (Timing.Median(together), Timing.Median(apart));
            table.Add(
                $"{count}", MarkdownTable.Number(ms), MarkdownTable.Number(ms / count), MarkdownTable.Number(single),
                MarkdownTable.Number(ms / single), MarkdownTable.Mebibytes(device.PeakMemoryBytes));
            points.Add(new JsonObject
            {
                ["batch"] = count,
                ["ms"] = ms,
                ["one_by_one_ms"] = single,
                ["device_bytes"] = device.PeakMemoryBytes,
            });
        }
        table.Write(Console.Out);
        return new JsonObject { ["height"] = model.Size.Height, ["width"] = model.Size.Width, ["points"] = points };
    }

    private static JsonObject OverProposals(Device device, BenchModel model, int runs)
    {
        Console.WriteLine($"A picture of {model.Size}:\n");
        var table = new MarkdownTable("proposals", "found", "ms", "ms for 100 more", "device MiB");
        var points = new JsonArray();
        (int Count, double Ms)? last = null;
        foreach (var wanted in ProposalCounts)
        {
            using var detector = model.Load(device, proposals: wanted);
            var (ms, _) = Medians(detector, [model.Picture], runs);
            var found = CountProposals((FasterRcnn)detector, model.Picture);
            double? more = last is { } l && found > l.Count ? (ms - l.Ms) / (found - l.Count) * 100 : null;
            table.Add(
                $"{wanted}", $"{found}", MarkdownTable.Number(ms), MarkdownTable.Number(more),
                MarkdownTable.Mebibytes(device.PeakMemoryBytes));
            points.Add(new JsonObject
            {
                ["proposals"] = wanted,
                ["found"] = found,
                ["ms"] = ms,
                ["device_bytes"] = device.PeakMemoryBytes,
            });
            last = (found, ms);
        }
        table.Write(Console.Out);
        return new JsonObject { ["height"] = model.Size.Height, ["width"] = model.Size.Width, ["points"] = points };
    }

    /// <summary>The number of the RPN's proposals, which may be fewer than requested.</summary>
    private static int CountProposals(FasterRcnn detector, RgbImage picture)
    {
        using var scope = detector.Device.Memory.BeginPicture();
        using var batch = detector.Transform.Run([picture]);
        using var tape = Tape.ForInference(detector.Device);
        using var pyramid = detector.Pyramid.Run(tape, detector.Backbone.Run(tape, tape.Input(batch.Input)));
        using var rpn = detector.Rpn.Head.Run(tape, pyramid);
        using var proposals = detector.Rpn.FindProposals(rpn, batch);
        return proposals.Total.Download()[0];
    }

    private static (double Ms, double CpuMs) Medians(Detector detector, RgbImage[] pictures, int runs)
    {
        detector.Detect(pictures);
        detector.Detect(pictures);
        var times = new (double Ms, double CpuMs)[runs];
        foreach (ref var time in times.AsSpan())
            time = Timing.MsAndCpuMs(() => detector.Detect(pictures));
        return (Timing.Median([.. times.Select(t => t.Ms)]), Timing.Median([.. times.Select(t => t.CpuMs)]));
    }
}
