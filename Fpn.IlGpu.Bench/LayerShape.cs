using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Bench;

/// <summary>A layer of R50-FPN at 800 × 1333 px, whose input is padded to 800 × 1344.</summary>
/// <param name="Name">Where it is.</param>
/// <param name="H">Rows of its input; of a matrix product, all rows.</param>
/// <param name="W">Columns of its input.</param>
/// <param name="C">Input channels.</param>
/// <param name="K">Output channels.</param>
/// <param name="Side">Of the window; 0 for a matrix product.</param>
/// <param name="Stride">Of the window.</param>
internal sealed record LayerShape(string Name, int H, int W, int C, int K, int Side, int Stride = 1)
{
    /// <summary>
    /// Every kind of convolution and matrix product of the network, once; the pyramid's 3×3 at its finest level is also the RPN's.
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

    public bool IsProduct => Side == 0;

    public ConvolutionGeometry Geometry => IsProduct
        ? ConvolutionGeometry.Product(C, K)
        : new ConvolutionGeometry(Side, Side, C, K, ConvolutionWindow.Square(Stride, padding: Side / 2));

    /// <summary>Of the definition.</summary>
    public long MultiplyAdds
    {
        get
        {
            if (IsProduct)
                return (long)H * C * K;
            var output = Geometry.Window.OutputShape(new Shape(1, H, W, C), Side, Side, K);
            return output.Length * C * Side * Side;
        }
    }

    /// <summary>For people: C4 3×3 50×84 256→256.</summary>
    public string Title => IsProduct
        ? $"{Name} {H} × {C} × {K}"
        : $"{Name} {Side}×{Side}{(Stride == 1 ? "" : $"/{Stride}")} {H}×{W} {C}→{K}";
}
