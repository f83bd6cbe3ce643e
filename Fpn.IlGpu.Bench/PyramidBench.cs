using System.CommandLine;
using System.Text.Json.Nodes;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Bench;

/// <summary>
/// <c>pyramid</c>: times FPN in turns with the detector that the paper compares it with (section 5.2.2), which reads regions from C4 and
/// runs conv5 in each. FPN is faster, although it adds layers: its head is small.
/// </summary>
internal static class PyramidBench
{
    private const int WarmUps = 1;

    // Seconds a picture on an NVIDIA M40. The paper does not say how many regions its detector on C4 classified; 300 were usual then.
    private static readonly (string Model, int Proposals, double? PaperSeconds)[] Compared =
        [(BenchModel.ResNet50, 1000, 0.148), (BenchModel.ResNet50C4, 1000, null), (BenchModel.ResNet50C4, 300, 0.32)];

    public static Command Create()
    {
        var options = new BenchOptions();
        var size = BenchOptions.Size("Size of the picture. Default: 800x1333.");
        var runs = BenchOptions.Runs(5, "Number of pairs of detections.");
        var command = new Command("pyramid", "Times FPN in turns with the detector on C4 that the paper compares it with.") { size, runs };
        foreach (var option in options.OfDevice)
            command.Add(option);
        command.SetAction(parsed =>
        {
            using var device = options.OpenDevice(parsed);
            Results.Introduce(device, null);
            var results = new Results("pyramid", device);
            results.Root["models"] = Measure(device, parsed.GetValue(size) ?? new PictureSize(800, 1333), parsed.GetValue(runs));
            results.Write(parsed.GetValue(options.Json));
        });
        return command;
    }

    private static JsonArray Measure(Device device, PictureSize size, int runs)
    {
        var prepared = Compared.Select(compared => compared.Model).Distinct().ToDictionary(name => name, name => BenchModel.Prepare(name, size, peer: null));
        List<BenchModel> models = [.. Compared.Select(compared => prepared[compared.Model])];
        List<Detector> detectors = [.. models.Zip(Compared, (model, compared) => model.Load(device, proposals: compared.Proposals))];
        try
        {
            var times = models.ConvertAll(_ => new double[runs]);
            var flop = new double[models.Count];
            for (var run = -WarmUps; run < runs; run++)
            {
                foreach (var (m, detector) in detectors.Index())
                {
                    var before = device.MultiplyAdds;
                    var ms = Timing.Ms(() => detector.Detect(models[m].Picture));
                    flop[m] = 2.0 * (device.MultiplyAdds - before);
                    if (run >= 0)
                        times[m][run] = ms;
                }
            }
            return Report(models, times, flop, size);
        }
        finally
        {
            detectors.ForEach(detector => detector.Dispose());
            foreach (var model in prepared.Values)
                model.Dispose();
        }
    }

    private static JsonArray Report(List<BenchModel> models, List<double[]> times, double[] flop, PictureSize size)
    {
        Console.WriteLine($"Picture of {size}, {times[0].Length} pairs\n");
        var table = new MarkdownTable("model", "proposals", "ms", "GFLOP", "in the paper, s");
        var results = new JsonArray();
        foreach (var (m, (name, proposals, paper)) in Compared.Index())
        {
            var ms = Timing.Median(times[m]);
            table.Add(
                models[m].Title, MarkdownTable.Number(proposals), MarkdownTable.Number(ms), MarkdownTable.Number(flop[m] / 1e9),
                MarkdownTable.Number(paper));
            results.Add(new JsonObject
            {
                ["model"] = name,
                ["proposals"] = proposals,
                ["ms"] = Results.List(times[m]),
                ["ms_median"] = ms,
                ["flop"] = flop[m],
            });
        }
        table.Write(Console.Out);
        return results;
    }
}
