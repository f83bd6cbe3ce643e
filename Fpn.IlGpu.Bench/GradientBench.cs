using System.CommandLine;
using System.Text.Json.Nodes;

namespace Fpn.IlGpu.Bench;

/// <summary>
/// <c>gradients</c>: times the convolutions and matrix products in a training step of the shipped model: the forward pass,
/// the gradients of data and weights, and repacking the weights. With a peer, each round also times the peer's passes.
/// </summary>
internal static class GradientBench
{
    private const double ShortestMs = 10;

    public static Command Create()
    {
        var options = new BenchOptions();
        var runs = BenchOptions.Runs(3, "Number of rounds; the best one counts.");
        var only = BenchOptions.Only();
        var command = new Command("gradients", "Times all passes of a training step through the shipped model's layers.") { runs, only };
        foreach (var option in options.OfDevice.Concat(options.OfPeer))
            command.Add(option);
        command.SetAction(parsed =>
        {
            using var device = options.OpenDevice(parsed);
            using var peer = options.StartPeer(parsed, device);
            Results.Introduce(device, peer);
            List<Layer> layers = [.. LayerShape.Only(LayerShape.ShippedModel, parsed.GetValue(only)).Select(shape => new Layer(shape))];
            for (var round = 0; round < parsed.GetValue(runs); round++)
            {
                foreach (var layer in layers)
                {
                    using var run = new GradientRun(device, layer.Shape);
                    foreach (var pass in GradientRun.Passes(layer.Shape))
                        layer.Add(layer.Ms, pass, run.Ms(pass, layer.Repeats(pass)));
                }
                if (peer is null)
                    continue;
                Timing.Pause();
                foreach (var layer in layers)
                {
                    var (forward, data, weights) = peer.Gradients(layer.Shape, layer.Repeats(LayerPass.Weights));
                    layer.Add(layer.PeerMs, LayerPass.Forward, forward);
                    if (layer.Ms.ContainsKey(LayerPass.Data))
                        layer.Add(layer.PeerMs, LayerPass.Data, data);
                    layer.Add(layer.PeerMs, LayerPass.Weights, weights);
                }
                Timing.Pause();
            }
            Print(layers, peer);
            var results = new Results("gradients", device, peer);
            results.Root["layers"] = new JsonArray([.. layers.Select(layer => layer.ToJson())]);
            results.Write(parsed.GetValue(options.Json));
        });
        return command;
    }

    private static void Print(List<Layer> layers, TorchvisionPeer? peer)
    {
        var passes = Enum.GetValues<LayerPass>();
        var peers = peer is null ? [] : passes[1..];
        Console.WriteLine("ms\n");
        var table = new MarkdownTable(
        [
            "layer", "times", .. passes.Select(pass => pass.ToString().ToLowerInvariant()),
            .. peers.Select(pass => $"{peer!.Name.Split(' ')[0]}: {pass.ToString().ToLowerInvariant()}"),
            .. peer is null ? Array.Empty<string>() : ["ratio"],
        ]);
        foreach (var layer in layers)
            Row(layer.Shape.Title, $"{layer.Shape.Times}", [layer]);
        Row("all", "", [.. layers.SelectMany(layer => Enumerable.Repeat(layer, layer.Shape.Times))]);
        table.Write(Console.Out);
        if (peer is not null)
            Console.WriteLine("\nratio: the sum of this project's passes divided by the peer's, each pass in its faster memory format.");

        void Row(string title, string times, List<Layer> of) => table.Add(
        [
            title, times, .. passes.Select(pass => MarkdownTable.Number(of.Sum(layer => layer.Ms.GetValueOrDefault(pass)))),
            .. peers.Select(pass => MarkdownTable.Number(of.Sum(layer => layer.PeerMs.GetValueOrDefault(pass)))),
            .. peer is null
                ? Array.Empty<string>()
                : [MarkdownTable.Number(of.Sum(layer => layer.Ms.Values.Sum()) / of.Sum(layer => layer.PeerMs.Values.Sum()))],
        ]);
    }

    /// <summary>A layer, and the best times of its passes so far.</summary>
    private sealed record Layer(LayerShape Shape)
    {
        public SortedDictionary<LayerPass, double> Ms { get; } = [];

        public SortedDictionary<LayerPass, double> PeerMs { get; } = [];

        /// <summary>Repeats short work, so that the overhead of launching and waiting does not show.</summary>
        public int Repeats(LayerPass pass) => Ms.TryGetValue(pass, out var ms) ? (int)Math.Clamp(ShortestMs / ms, 1, 20) : 1;

        public void Add(SortedDictionary<LayerPass, double> times, LayerPass pass, double ms)
            => times[pass] = Math.Min(ms, times.GetValueOrDefault(pass, double.PositiveInfinity));

        public JsonObject ToJson() => new()
        {
            ["layer"] = Shape.Title,
            ["times"] = Shape.Times,
            ["multiply_adds"] = Shape.MultiplyAdds,
            ["ms"] = Object(Ms),
            ["peer_ms"] = PeerMs.Count == 0 ? null : Object(PeerMs),
        };

        private static JsonObject Object(SortedDictionary<LayerPass, double> times)
            => new(times.Select(time => KeyValuePair.Create(time.Key.ToString().ToLowerInvariant(), (JsonNode?)time.Value)));
    }
}
