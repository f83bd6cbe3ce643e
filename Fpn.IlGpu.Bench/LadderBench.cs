using System.CommandLine;
using System.Text.Json.Nodes;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Verification;

namespace Fpn.IlGpu.Bench;

/// <summary>
/// <c>ladder</c>: times every form of convolution and matrix product, from the naive one to the production one, on the
/// layers of R50-FPN, in GFLOP/s and as a share of the device's peak. With a peer, each round also times the peer on the
/// same layer.
/// </summary>
internal static class LadderBench
{
    // A rung that would take longer than this for the whole layer computes only some of its rows.
    private const double LongestMs = 500;
    private const double ShortestMs = 20;
    private const long FirstTryMultiplyAdds = 100_000_000;
    private const int MoreRows = 4;
    private const int SlowRounds = 2;

    private static readonly ConvolutionForm[] GpuForms =
    [
        ConvolutionForm.SharedTile, ConvolutionForm.RegisterTile, ConvolutionForm.GpuWinograd, ConvolutionForm.TensorTf32,
        ConvolutionForm.TensorFp16,
    ];

    public static Command Create()
    {
        var options = new BenchOptions();
        var runs = BenchOptions.Runs(5, "Number of rounds; the best one counts.");
        var only = BenchOptions.Only();
        var command = new Command("ladder", "Times every form of convolution and matrix product on R50-FPN's layers.") { runs, only };
        foreach (var option in options.OfDevice.Concat(options.OfPeer))
            command.Add(option);
        command.SetAction(parsed =>
        {
            using var device = options.OpenDevice(parsed);
            using var peer = options.StartPeer(parsed, device);
            Results.Introduce(device, peer);
            var shapes = LayerShape.Only(LayerShape.R50Fpn, parsed.GetValue(only));
            using var peak = new PeakRate(device);
            List<Layer> layers = [.. shapes.Select(shape => Climb(device, peer, peak, shape, parsed.GetValue(runs)))];
            Print(layers, peak.Flops, peer);
            if (!device.IsGpu)
                ExplainWithoutGpu(layers);
            var results = new Results("ladder", device, peer);
            results.Root["peak_flops"] = peak.Flops;
            results.Root["layers"] = new JsonArray([.. layers.Select(layer => layer.ToJson())]);
            results.Write(parsed.GetValue(options.Json));
        });
        return command;
    }

    /// <summary>Whether a form does fewer multiplications than the definition, so that its rate is not a share of the peak.</summary>
    public static bool IsWinograd(ConvolutionForm form) => form.ToString().Contains("Winograd", StringComparison.Ordinal);

    /// <summary>Times all rungs of one layer, and the peer, in each round.</summary>
    private static Layer Climb(Device device, TorchvisionPeer? peer, PeakRate peak, LayerShape shape, int rounds)
    {
        if (!Console.IsErrorRedirected)
            Console.Error.Write($"\r{shape.Title,-60}\r");
        var geometry = shape.Geometry;
        List<Rung> rungs = [.. ConvolutionForms.Ladder(device, geometry).Select(form => Rung.Begin(device, shape, form))];
        var peerMs = double.PositiveInfinity;
        for (var round = 0; round < rounds; round++)
        {
            foreach (var rung in rungs.Where(rung => rung.IsWhole || round < SlowRounds))
                rung.Time();
            peak.Sample();
            if (peer is not null)
            {
                Timing.Pause();
                peerMs = Math.Min(peerMs, peer.Layer(shape, Repeats(rungs.Min(rung => rung.Ms))));
                Timing.Pause();
            }
        }
        var layer = new Layer(
            shape, ConvolutionForms.Choose(device, geometry),
            [.. rungs.Select(rung => new Rate(rung.Form, rung.Flops, rung.IsWhole))],
            peer is null ? null : 2e3 * shape.MultiplyAdds / peerMs);
        foreach (var rung in rungs)
            rung.Dispose();
        return layer;
    }

    /// <summary>Repeats short work, so that the overhead of launching and waiting does not show.</summary>
    private static int Repeats(double ms) => (int)Math.Clamp(ShortestMs / ms, 1, 50);

    private static void Print(List<Layer> layers, double peak, TorchvisionPeer? peer)
    {
        ConvolutionForm[] forms = [.. layers.SelectMany(layer => layer.Rates.Select(rate => rate.Form)).Distinct().Order()];
        Console.WriteLine($"GFLOP/s (share of the device's measured peak, {MarkdownTable.Number(peak / 1e9)} GFLOP/s)\n");
        var table = new MarkdownTable(
        [
            "layer", .. forms.Select(form => IsWinograd(form) ? $"{form} ¹" : $"{form}"),
            .. peer is null ? Array.Empty<string>() : [peer.Name.Split(' ')[0], "ratio"],
        ]);
        foreach (var layer in layers)
        {
            table.Add(
            [
                layer.Shape.Title, .. forms.Select(form => Cell(layer, form)),
                .. peer is null ? Array.Empty<string>() : [Gigaflops(layer.PeerFlops!.Value), MarkdownTable.Number(layer.RatioToPeer)],
            ]);
        }
        table.Write(Console.Out);
        Console.WriteLine("\nBold: the form that runs in production. ~: measured on only some of the layer's rows.");
        if (forms.Any(IsWinograd))
            Console.WriteLine("¹ Counts the multiply-adds of the definition; Winograd's algorithm does fewer.");
        if (peer is not null)
            Console.WriteLine("ratio: the best form other than Winograd divided by the peer in its faster memory format.");

        string Cell(Layer layer, ConvolutionForm form)
        {
            if (layer.Rates.FirstOrDefault(rate => rate.Form == form) is not { } rate)
                return "";
            var text = $"{(rate.IsWhole ? "" : "~")}{Gigaflops(rate.Flops)} ({MarkdownTable.Percent(rate.Flops / peak)})";
            return form == layer.Production ? $"**{text}**" : text;
        }

        static string Gigaflops(double flops) => MarkdownTable.Number(flops / 1e9);
    }

    /// <summary>Says what the figures mean on a CPU, where forms for GPUs look bad, or are missing.</summary>
    private static void ExplainWithoutGpu(List<Layer> layers)
    {
        string[] missing = [.. GpuForms.Where(form => !layers.Any(layer => layer.Rates.Any(rate => rate.Form == form))).Select(form => form.ToString())];
        Console.WriteLine("\nThis device is no GPU.");
        if (missing.Length < GpuForms.Length)
        {
            Console.WriteLine(
                "The forms for GPUs are slower than Naive here, and that says nothing about them on a GPU: they let hundreds\n"
                + "of threads load a tile into shared memory and wait for each other. A CPU has a few cores, which play all\n"
                + "those threads one after another, and its shared memory is ordinary memory: the copy costs and gains nothing.");
        }
        if (missing.Length > 0)
            Console.WriteLine($"Not in the table, because this device can't run them: {string.Join(", ", missing)}.");
        Console.WriteLine("docs/course/14-ladder.md counts what each form reads, which is the same on every device.");
    }

    /// <summary>The rate of a form.</summary>
    private sealed record Rate(ConvolutionForm Form, double Flops, bool IsWhole);

    /// <summary>The rates of all forms, and of the peer, on a layer.</summary>
    private sealed record Layer(LayerShape Shape, ConvolutionForm Production, IReadOnlyList<Rate> Rates, double? PeerFlops)
    {
        public double? RatioToPeer => Rates.Where(rate => !IsWinograd(rate.Form)).Max(rate => rate.Flops) / PeerFlops;

        public JsonObject ToJson() => new()
        {
            ["layer"] = Shape.Title,
            ["production"] = Production.ToString(),
            ["flops"] = new JsonObject(Rates.Select(rate => KeyValuePair.Create(rate.Form.ToString(), (JsonNode?)rate.Flops))),
            ["partly"] = new JsonArray([.. Rates.Where(rate => !rate.IsWhole).Select(rate => JsonValue.Create(rate.Form.ToString()))]),
            ["peer_flops"] = PeerFlops,
            ["ratio_to_peer"] = RatioToPeer,
        };
    }

    /// <summary>A form, running on a layer.</summary>
    private sealed class Rung : IDisposable
    {
        private readonly LayerRun run;

        private Rung(ConvolutionForm form, LayerRun run, bool isWhole, double ms)
            => (Form, this.run, IsWhole, Ms) = (form, run, isWhole, ms);

        public ConvolutionForm Form { get; }

        /// <summary>Whether it computes the whole layer.</summary>
        public bool IsWhole { get; }

        /// <summary>The best time so far.</summary>
        public double Ms { get; private set; }

        public double Flops => 2e3 * run.MultiplyAdds / Ms;

        /// <summary>Tries a few rows first, to find how many can be computed in reasonable time.</summary>
        public static Rung Begin(Device device, LayerShape shape, ConvolutionForm form)
        {
            var multiplyAddsARow = (long)shape.W * shape.C * shape.K * Math.Max(1, shape.Side * shape.Side);
            var rows = (int)Math.Clamp(FirstTryMultiplyAdds / multiplyAddsARow, 1, shape.H);
            while (true)
            {
                var run = new LayerRun(device, shape, form, rows);
                var ms = run.Ms(1);
                if (rows == shape.H || ms > LongestMs / MoreRows)
                    return new Rung(form, run, rows == shape.H, ms);
                run.Dispose();
                rows = ms * shape.H / rows <= LongestMs ? shape.H : Math.Min(shape.H, rows * MoreRows);
            }
        }

        public void Time() => Ms = Math.Min(Ms, run.Ms(Repeats(Ms)));

        public void Dispose() => run.Dispose();
    }
}
