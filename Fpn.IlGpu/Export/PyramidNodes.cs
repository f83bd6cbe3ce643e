using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Weights;
using static Fpn.IlGpu.Weights.OnnxAttribute;

namespace Fpn.IlGpu.Export;

/// <summary>
/// The backbone and the Feature Pyramid as ONNX nodes: the bottom-up pathway of <see cref="ResNet"/>, then the top-down pathway of
/// <see cref="FeaturePyramid"/>.
/// </summary>
internal static class PyramidNodes
{
    /// <summary>
    /// Adds the bottom-up pathway (He et al., Deep Residual Learning, table 1).
    /// <code>
    /// x = maxpool3×3/2( relu(conv7×7/2(input)) )
    /// Cl = the last output of stage l − 1: blocks of out = relu( F(in) + shortcut(in) )
    /// </code>
    /// </summary>
    /// <param name="layers">The layers.</param>
    /// <param name="layout">The sizes of the blocks.</param>
    /// <param name="mapCount">The number of maps to return, counted from the coarsest.</param>
    /// <param name="input">The input, [1, 3, H, W].</param>
    /// <returns>C2 to C5, [1, Cl, Hl, Wl].</returns>
    public static Levels<OnnxValue> BottomUp(LayerNodes layers, ResNetLayout layout, int mapCount, OnnxValue input)
    {
        const string name = DetectorNetwork.BackboneName;
        input.Graph.Begin(name);
        var x = layers.Convolution(input, name + ".conv1", name + ".bn1", stride: 2).Relu();
        x = layers.MaxPool(x, kernel: 3, stride: 2, padding: 1);
        var maps = new List<OnnxValue>();
        foreach (var (s, blocks) in layout.Stages.Index())
        {
            foreach (var (b, block) in blocks.Index())
                x = Block(layers, $"{name}.layer{s + 1}.{b}", block, stride: s > 0 && b == 0 ? 2 : 1, x);
            maps.Add(x.Named($"C{s + 2}"));
        }
        var skipped = maps.Count - mapCount;
        return new Levels<OnnxValue>(2 + skipped, maps[skipped..]);
    }

    /// <summary>
    /// Adds the pyramid (paper, section 3).
    /// <code>
    /// M5 = lateral5(C5)
    /// Ml = laterall(Cl) + upsample(Ml+1)        top-down, l = 4, 3, 2
    /// Pl = smoothl(Ml)
    /// </code>
    /// </summary>
    /// <param name="layers">The layers.</param>
    /// <param name="layout">The layout of the pyramid.</param>
    /// <param name="bottomUp">C2 to C5.</param>
    /// <returns>P2 to P6 or P7, [1, d, Hl, Wl].</returns>
    public static Levels<OnnxValue> TopDown(LayerNodes layers, PyramidLayout layout, Levels<OnnxValue> bottomUp)
    {
        const string name = DetectorNetwork.PyramidName;
        var pyramid = new List<OnnxValue>();
        OnnxValue? merged = null;
        for (var l = bottomUp.Coarsest; l >= bottomUp.Finest; l--)
        {
            var i = l - bottomUp.Finest;
            bottomUp[l].Graph.Begin($"{name}/P{l}");
            var lateral = Layer($"{name}.inner_blocks.{i}", bottomUp[l]);
            merged = merged is null ? lateral : lateral + Upsample(merged, lateral);
            pyramid.Insert(0, Layer($"{name}.layer_blocks.{i}", merged).Named($"P{l}"));
        }
        pyramid.AddRange(Extra(layers, layout.Extra, bottomUp[bottomUp.Coarsest], pyramid[^1], bottomUp.Coarsest));
        return new Levels<OnnxValue>(bottomUp.Finest, pyramid);

        OnnxValue Layer(string own, OnnxValue x) => layers.Convolution(x, own + ".0", own + ".1");
    }

    /// <summary>
    /// Adds the levels above the top map, as <see cref="ExtraLevels"/> computes them: P6 by subsampling, or P6 and P7 by convolution.
    /// </summary>
    private static OnnxValue[] Extra(LayerNodes layers, ExtraLevelsKind kind, OnnxValue topMap, OnnxValue topLevel, int top)
    {
        const string name = DetectorNetwork.PyramidName + ".extra_blocks";
        topMap.Graph.Begin(name);
        if (kind == ExtraLevelsKind.Subsampled)
            return [layers.MaxPool(topLevel, kernel: 1, stride: 2, padding: 0).Named($"P{top + 1}")];
        var from = kind == ExtraLevelsKind.ConvolvedFromPyramid ? topLevel : topMap;
        var p6 = layers.Convolution(from, name + ".p6", stride: 2).Named($"P{top + 1}");
        return [p6, layers.Convolution(p6.Relu(), name + ".p7", stride: 2).Named($"P{top + 2}")];
    }

    /// <summary>A residual block, as <see cref="ResidualBlock"/> computes it.</summary>
    private static OnnxValue Block(LayerNodes layers, string name, BlockLayout layout, int stride, OnnxValue input)
    {
        input.Graph.Begin(name);
        var (firstStride, middleStride) = layout.StrideInFirst ? (stride, 1) : (1, stride);
        var x = layout.IsBottleneck
            ? Layer(3, Layer(2, Layer(1, input, firstStride).Relu(), middleStride, layout.ChannelGroups).Relu())
            : Layer(2, Layer(1, input, stride).Relu());
        var shortcut = layout.HasShortcut ? layers.Convolution(input, name + ".downsample.0", name + ".downsample.1", stride) : input;
        return (x + shortcut).Relu();

        OnnxValue Layer(int number, OnnxValue from, int ownStride = 1, int groups = 1)
            => layers.Convolution(from, $"{name}.conv{number}", $"{name}.bn{number}", ownStride, groups);
    }

    /// <summary>Repeats pixels up to the size of another map: output y reads ⌊y · Ht / H⌋.</summary>
    private static OnnxValue Upsample(OnnxValue x, OnnxValue like) => x.Graph.Node(
        "Resize", OnnxType.Float, [x, null, null, like.Shape()], Of("mode", "nearest"),
        Of("coordinate_transformation_mode", "asymmetric"), Of("nearest_mode", "floor"));
}
