using System.CommandLine;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Verification;

namespace Fpn.IlGpu.Bench;

/// <summary>
/// <c>detect</c>: times whole detections, from 8-bit pixels on the host to boxes on the host, alone or alternating with the
/// peer on the same weights and pixels. Also times each stage.
/// </summary>
internal static class DetectBench
{
    private const int WarmUps = 3;
    private const int StageRuns = 5;

    public static Command Create()
    {
        var options = new BenchOptions();
        var size = BenchOptions.Size("Size of the picture, and of r50's input. Default: 800x1333, or 480x640 for the shipped model.");
        var runs = BenchOptions.Runs(10, "Number of detections, or of pairs of them with a peer.");
        var command = new Command("detect", "Times whole detections and their stages.") { options.Model, size, runs };
        foreach (var option in options.OfDevice.Concat(options.OfPeer))
            command.Add(option);
        command.SetAction(parsed =>
        {
            using var device = options.OpenDevice(parsed);
            using var peer = options.StartPeer(parsed, device);
            Results.Introduce(device, peer);
            using var model = BenchModel.Prepare(parsed.GetRequiredValue(options.Model), parsed.GetValue(size), peer);
            var measured = Measure(device, peer, model, parsed.GetValue(runs)) with
            {
                FirstMs = FirstDetection.Measure(model, options.DeviceArguments(parsed)),
                PeerFirstMs = peer is null ? [] : FirstDetection.MeasurePeer(model, () => options.StartPeer(parsed, device)!),
            };
            Print(measured, model, peer);
            var results = new Results("detect", device, peer);
            results.Root["detect"] = measured.ToJson(model);
            results.Write(parsed.GetValue(options.Json));
        });
        return command;
    }

    private static Measured Measure(Device device, TorchvisionPeer? peer, BenchModel model, int runs)
    {
        using var peak = new PeakRate(device);
        using var detector = model.Load(device);
        var found = 0;
        for (var i = 0; i < WarmUps; i++)
        {
            found = detector.Detect(model.Picture).Count;
            peer?.Detect();
        }
        var multiplyAdds = device.MultiplyAdds;
        detector.Detect(model.Picture);
        multiplyAdds = device.MultiplyAdds - multiplyAdds;

        var times = new double[runs];
        var cpuTimes = new double[runs];
        var peerRuns = new List<PeerDetection>();
        for (var i = 0; i < runs; i++)
        {
            peak.Sample();
            if (peer is not null)
                Timing.Pause();
            (times[i], cpuTimes[i]) = Timing.MsAndCpuMs(() => detector.Detect(model.Picture));
            if (peer is not null)
            {
                Timing.Pause();
                peerRuns.Add(peer.Detect());
            }
        }
        using var process = Process.GetCurrentProcess();
        return new Measured
        {
            Ms = times,
            CpuMs = cpuTimes,
            PeerRuns = peerRuns,
            Found = found,
            MultiplyAdds = multiplyAdds,
            DeviceBytes = device.PeakMemoryBytes,
            ProcessBytes = process.PeakWorkingSet64,
            Stages = Stages(device, detector, model),
            PeakFlops = peak.Flops,
        };
    }

    /// <summary>The median time of each stage over several detections.</summary>
    private static List<StageTime> Stages(Device device, Detector detector, BenchModel model)
    {
        var clock = device.StageClock = new StageClock(device);
        var runs = new List<IReadOnlyList<StageTime>>();
        for (var i = 0; i < StageRuns; i++)
        {
            detector.Detect(model.Picture);
            runs.Add(clock.Stop());
        }
        device.StageClock = null;
        return [.. runs[^1].Select((stage, s) => stage with
        {
            Time = TimeSpan.FromMilliseconds(Timing.Median([.. runs.Select(run => run[s].Time.TotalMilliseconds)])),
        })];
    }

    private static void Print(Measured m, BenchModel model, TorchvisionPeer? peer)
    {
        Console.WriteLine($"{model.Title}, picture of {model.Size}, {m.Ms.Length} {(peer is null ? "runs" : "pairs")}\n");
        var table = new MarkdownTable(peer is null ? ["", "Fpn.IlGpu"] : ["", "Fpn.IlGpu", peer.Name, "ratio"]);
        var (median, peerMedian) = (m.MedianMs, m.PeerMedianMs);
        Row("median, ms", median, peerMedian);
        Row("best, ms", m.Ms.Min(), m.PeerRuns.Count == 0 ? null : m.PeerRuns.Min(r => r.Ms));
        // The sum over all cores, which other processes do not lengthen.
        Row(
            "processor time, ms", Timing.Median(m.CpuMs),
            m.PeerRuns.Count == 0 ? null : Timing.Median([.. m.PeerRuns.Select(r => r.CpuMs)]));
        Row("first, from process start, ms", Timing.Median(m.FirstMs), m.PeerFirstMs.Length == 0 ? null : Timing.Median(m.PeerFirstMs));
        Row("peak device memory, MiB", Mebibytes(m.DeviceBytes), Mebibytes(m.PeerRuns.LastOrDefault()?.DeviceBytes));
        Row("peak process memory, MiB", Mebibytes(m.ProcessBytes), Mebibytes(m.PeerRuns.LastOrDefault()?.ProcessBytes));
        Row("GFLOP/s", m.Flop / median / 1e6, m.Flop / peerMedian / 1e6);
        Cells(
            "share of peak", MarkdownTable.Percent(m.Flop / median * 1e3 / m.PeakFlops),
            MarkdownTable.Percent(m.Flop / peerMedian * 1e3 / m.PeakFlops), "");
        Cells("detections", $"{m.Found}", m.PeerRuns.Count == 0 ? "" : $"{m.PeerRuns[^1].Detections}", "");
        table.Write(Console.Out);
        Console.WriteLine(
            $"\n{MarkdownTable.Number(m.Flop / 1e9)} GFLOP per picture; "
            + $"the device's measured peak is {MarkdownTable.Number(m.PeakFlops / 1e9)} GFLOP/s.\n");

        var stages = new MarkdownTable("stage", "ms", "share", "GFLOP", "GFLOP/s", "of peak");
        var total = m.Stages.Sum(s => s.Time.TotalMilliseconds);
        foreach (var (name, time, multiplyAdds) in m.Stages)
        {
            double? flop = multiplyAdds == 0 ? null : 2.0 * multiplyAdds;
            stages.Add(
                name, MarkdownTable.Number(time.TotalMilliseconds), MarkdownTable.Percent(time.TotalMilliseconds / total),
                MarkdownTable.Number(flop / 1e9), MarkdownTable.Number(flop / time.TotalSeconds / 1e9),
                MarkdownTable.Percent(flop / time.TotalSeconds / m.PeakFlops));
        }
        stages.Write(Console.Out);
        Console.WriteLine("\nFLOP are counted by the layers' definition. Winograd's algorithm does fewer, and so may exceed the peak.");

        void Row(string what, double? own, double? other)
            => Cells(what, MarkdownTable.Number(own), MarkdownTable.Number(other), MarkdownTable.Number(own / other));

        void Cells(string what, string own, string other, string ratio)
            => table.Add(peer is null ? [what, own] : [what, own, other, ratio]);

        static double? Mebibytes(long? bytes) => bytes / (1024.0 * 1024);
    }

    /// <summary>The measurements; times in ms.</summary>
    private sealed record Measured
    {
        public required double[] Ms { get; init; }

        public required double[] CpuMs { get; init; }

        public required List<PeerDetection> PeerRuns { get; init; }

        public required int Found { get; init; }

        public required long MultiplyAdds { get; init; }

        public required long DeviceBytes { get; init; }

        public required long ProcessBytes { get; init; }

        public required List<StageTime> Stages { get; init; }

        public required double PeakFlops { get; init; }

        public double[] FirstMs { get; init; } = [];

        public double[] PeerFirstMs { get; init; } = [];

        public double MedianMs => Timing.Median(Ms);

        public double? PeerMedianMs => PeerRuns.Count == 0 ? null : Timing.Median([.. PeerRuns.Select(r => r.Ms)]);

        public double Flop => 2.0 * MultiplyAdds;

        public JsonObject ToJson(BenchModel model) => new()
        {
            ["model"] = model.Name,
            ["height"] = model.Size.Height,
            ["width"] = model.Size.Width,
            ["ms"] = Results.List(Ms),
            ["ms_median"] = MedianMs,
            ["cpu_ms"] = Results.List(CpuMs),
            ["first_ms"] = Results.List(FirstMs),
            ["detections"] = Found,
            ["flop"] = Flop,
            ["peak_flops"] = PeakFlops,
            ["share_of_peak"] = Flop / MedianMs * 1e3 / PeakFlops,
            ["device_bytes"] = DeviceBytes,
            ["process_bytes"] = ProcessBytes,
            ["stages"] = new JsonArray([.. Stages.Select(s => new JsonObject
            {
                ["name"] = s.Name,
                ["ms"] = s.Time.TotalMilliseconds,
                ["flop"] = 2 * s.MultiplyAdds,
            })]),
            ["peer"] = PeerRuns.Count == 0 ? null : new JsonObject
            {
                ["ms"] = Results.List(PeerRuns.Select(r => r.Ms)),
                ["ms_median"] = PeerMedianMs,
                ["cpu_ms"] = Results.List(PeerRuns.Select(r => r.CpuMs)),
                ["first_ms"] = Results.List(PeerFirstMs),
                ["detections"] = PeerRuns[^1].Detections,
                ["device_bytes"] = PeerRuns[^1].DeviceBytes,
                ["process_bytes"] = PeerRuns[^1].ProcessBytes,
            },
            ["ratio"] = MedianMs / PeerMedianMs,
        };
    }
}
