using BenchmarkDotNet.Attributes;

namespace Fpn.IlGpu.Bench.Operators;

/// <summary>Convolutions and matrix products in their production form; 'ladder' times all forms.</summary>
public class LayerBenchmarks : OperatorBenchmark
{
    private LayerRun run = null!;

    /// <summary>The titles of R50-FPN's layers.</summary>
    public static IEnumerable<string> Layers => LayerShape.R50Fpn.Select(shape => shape.Title);

    /// <summary>The layer's title.</summary>
    [ParamsSource(nameof(Layers))]
    public string Layer { get; set; } = "";

    /// <summary>Uploads random values.</summary>
    [GlobalSetup]
    public void Setup() => run = Own(new LayerRun(Device, LayerShape.R50Fpn.Single(shape => shape.Title == Layer), form: null));

    /// <summary>Runs the layer with bias and ReLU.</summary>
    [Benchmark(Description = "layer")]
    public void Production()
    {
        run.Queue();
        Finish();
    }
}
