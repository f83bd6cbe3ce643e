using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Bench;

/// <summary>A layer of a network.</summary>
/// <param name="Name">The layer's place in the network.</param>
/// <param name="H">Input rows; for a matrix product, the number of all rows.</param>
/// <param name="W">Input columns.</param>
/// <param name="C">Input channels.</param>
/// <param name="K">Output channels.</param>
/// <param name="Side">The side of the window; 0 for a matrix product.</param>
/// <param name="Stride">The stride of the window.</param>
/// <param name="Batch">The number of pictures.</param>
/// <param name="Times">How often the layer occurs in the network.</param>
/// <param name="Map">The side of the maps that form a matrix product's rows.</param>
internal sealed record LayerShape(
    string Name, int H, int W, int C, int K, int Side, int Stride = 1, int Batch = 1, int Times = 1, int Map = 1)
{
    private const int TrainedBatch = 8;

    /// <summary>The layers whose title contains a text, in which x means ×; all layers for null.</summary>
    /// <exception cref="BenchException">No title contains it.</exception>
    public static LayerShape[] Only(IEnumerable<LayerShape> layers, string? text)
    {
        var wanted = text?.Replace('x', '×') ?? "";
        LayerShape[] chosen = [.. layers.Where(layer => layer.Title.Contains(wanted, StringComparison.OrdinalIgnoreCase))];
        return chosen.Length > 0 ? chosen : throw new BenchException($"No layer's title contains '{wanted}'.");
    }

    /// <summary>
    /// R50-FPN at 800 × 1333 px, with the input padded to 800 × 1344: every kind of convolution and matrix product, once.
    /// The pyramid's 3×3 convolution at its finest level is also the RPN's.
    /// </summary>
    public static IReadOnlyList<LayerShape> R50Fpn { get; } =
    [
        new("stem", 800, 1344, 3, 64, 7, 2),
        new("C2", 200, 336, 64, 64, 3),
        new("C2", 200, 336, 64, 256, 1),
        new("C2", 200, 336, 256, 64, 1),
        new("C3", 200, 336, 128, 128, 3, 2),
        new("C3", 200, 336, 256, 512, 1, 2),
        new("C3", 100, 168, 128, 128, 3),
        new("C3", 100, 168, 512, 128, 1),
        new("C4", 50, 84, 256, 256, 3),
        new("C4", 50, 84, 1024, 256, 1),
        new("C5", 50, 84, 512, 512, 3, 2),
        new("C5", 25, 42, 512, 512, 3),
        new("C5", 25, 42, 2048, 512, 1),
        new("lateral", 200, 336, 256, 256, 1),
        new("FPN", 200, 336, 256, 256, 3),
        new("RPN deltas", 200, 336, 256, 12, 1),
        new("fc6", 1000, 1, 12544, 1024, 0),
        new("fc7", 1000, 1, 1024, 1024, 0),
    ];

    /// <summary>All layers of a training step of the shipped model, with 8 pictures of 320 × 320 px and 128 RoIs per picture.</summary>
    public static IReadOnlyList<LayerShape> ShippedModel { get; } =
    [
        new("stem", 320, 320, 3, 32, 7, 2, TrainedBatch),
        new("C2", 80, 80, 32, 32, 3, 1, TrainedBatch, Times: 4),
        new("C3", 80, 80, 32, 64, 3, 2, TrainedBatch),
        new("C3", 80, 80, 32, 64, 1, 2, TrainedBatch),
        new("C3", 40, 40, 64, 64, 3, 1, TrainedBatch, Times: 3),
        new("C4", 40, 40, 64, 128, 3, 2, TrainedBatch),
        new("C4", 40, 40, 64, 128, 1, 2, TrainedBatch),
        new("C4", 20, 20, 128, 128, 3, 1, TrainedBatch, Times: 3),
        new("C5", 20, 20, 128, 256, 3, 2, TrainedBatch),
        new("C5", 20, 20, 128, 256, 1, 2, TrainedBatch),
        new("C5", 10, 10, 256, 256, 3, 1, TrainedBatch, Times: 3),
        new("lateral", 80, 80, 32, 96, 1, 1, TrainedBatch),
        new("lateral", 40, 40, 64, 96, 1, 1, TrainedBatch),
        new("lateral", 20, 20, 128, 96, 1, 1, TrainedBatch),
        new("lateral", 10, 10, 256, 96, 1, 1, TrainedBatch),
        new("FPN, RPN", 80, 80, 96, 96, 3, 1, TrainedBatch, Times: 2),
        new("FPN, RPN", 40, 40, 96, 96, 3, 1, TrainedBatch, Times: 2),
        new("FPN, RPN", 20, 20, 96, 96, 3, 1, TrainedBatch, Times: 2),
        new("FPN, RPN", 10, 10, 96, 96, 3, 1, TrainedBatch, Times: 2),
        new("RPN", 5, 5, 96, 96, 3, 1, TrainedBatch),
        new("RPN logits", 80, 80, 96, 3, 1, 1, TrainedBatch),
        new("RPN deltas", 80, 80, 96, 12, 1, 1, TrainedBatch),
        new("RPN logits", 40, 40, 96, 3, 1, 1, TrainedBatch),
        new("RPN deltas", 40, 40, 96, 12, 1, 1, TrainedBatch),
        new("fc6", 1024, 1, 4704, 256, 0, Map: 7),
        new("fc7", 1024, 1, 256, 256, 0),
        new("classes", 1024, 1, 256, 8, 0),
        new("boxes", 1024, 1, 256, 32, 0),
    ];

    public bool IsProduct => Side == 0;

    public ConvolutionGeometry Geometry => IsProduct
        ? ConvolutionGeometry.Product(C, K)
        : new ConvolutionGeometry(Side, Side, C, K, ConvolutionWindow.Square(Stride, padding: Side / 2));

    /// <summary>The multiply-adds of the layer's definition.</summary>
    public long MultiplyAdds
    {
        get
        {
            if (IsProduct)
                return (long)H * C * K;
            var output = Geometry.Window.OutputShape(new Shape(Batch, H, W, C), Side, Side, K);
            return output.Length * C * Side * Side;
        }
    }

    /// <summary>The layer for people, such as C4 3×3 50×84 256→256.</summary>
    public string Title => IsProduct
        ? $"{Name} {H} × {C} × {K}"
        : $"{Name} {Side}×{Side}{(Stride == 1 ? "" : $"/{Stride}")} {(Batch == 1 ? "" : $"{Batch}×")}{H}×{W} {C}→{K}";
}
