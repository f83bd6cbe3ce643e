using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;

namespace OwnBackbone;

/// <summary>The sizes of a <see cref="PlainNet"/>: channels of its stages, whose strides are 4, 8, 16, …</summary>
public sealed record PlainNetLayout(params int[] Widths) : BackboneLayout
{
    public override int MostMaps => Widths.Length;

    public override IBackbone Build(LayerSet layers, string name, int mapCount) => new PlainNet(layers, name, Widths, mapCount);
}

/// <summary>A small backbone: each stage halves the map, then adds what another 3×3 convolution finds in it.</summary>
public sealed class PlainNet : IBackbone
{
    private readonly ConvolutionLayer stem;
    private readonly (ConvolutionLayer Halve, ConvolutionLayer Refine)[] stages;
    private readonly int firstMap;

    public PlainNet(LayerSet layers, string name, int[] widths, int mapCount)
    {
        // Layers are defined in the order of the forward pass; their names are those of the model file's tensors.
        stem = Layer(layers, $"{name}.stem", 3, widths[0], stride: 2);
        stages = new (ConvolutionLayer, ConvolutionLayer)[widths.Length];
        for (var s = 0; s < widths.Length; s++)
        {
            stages[s] = (
                Layer(layers, $"{name}.{s}.halve", s == 0 ? widths[0] : widths[s - 1], widths[s], stride: 2),
                Layer(layers, $"{name}.{s}.refine", widths[s], widths[s], stride: 1));
        }
        firstMap = widths.Length - mapCount;
        Channels = widths[firstMap..];
        Parts = [$"{name}.stem", .. widths.Select((_, s) => $"{name}.{s}.")];
    }

    // The first stage has stride 4, and 4 = 2².
    public int FinestLevel => 2 + firstMap;

    public IReadOnlyList<int> Channels { get; }

    public IReadOnlyList<string> Parts { get; }

    public string Description => $"PlainNet of {stages.Length} stages";

    public Levels<Variable> Run(Tape tape, Variable input)
    {
        var maps = new List<Variable>();
        var x = stem.Run(tape, input);
        foreach (var (halve, refine) in stages)
        {
            using var halved = halve.Run(tape, x);
            // The caller disposes the maps; other values are no longer needed. On a tape that records, the gradients keep theirs.
            if (!maps.Contains(x))
                x.Dispose();
            x = refine.Run(tape, halved, residual: halved);
            maps.Add(x);
        }
        foreach (var unused in maps[..firstMap])
            unused.Dispose();
        return new Levels<Variable>(FinestLevel, maps[firstMap..]);
    }

    private static ConvolutionLayer Layer(LayerSet layers, string name, int inputC, int outputC, int stride)
        => new(
            layers, $"{name}.convolution", inputC, outputC, ConvolutionWindow.Square(stride, padding: 1), Activation.Relu,
            batchNorm: $"{name}.norm");
}
