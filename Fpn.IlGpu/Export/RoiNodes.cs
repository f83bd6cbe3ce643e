using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;
using static Fpn.IlGpu.Weights.OnnxAttribute;
using static Fpn.IlGpu.Weights.OnnxOperators;

namespace Fpn.IlGpu.Export;

/// <summary>
/// RoI features as ONNX nodes (paper, section 4.2): each RoI is read from the level that fits its size, by RoIAlign. ONNX's RoIAlign
/// reads one map, so the RoIs are sorted by level, and what is computed from their features is brought back into their order.
/// </summary>
/// <param name="pyramid">The levels that correspond to a map of the backbone.</param>
/// <param name="configuration">The model's conventions.</param>
internal sealed class RoiNodes(Levels<OnnxValue> pyramid, ModelConfiguration configuration)
{
    /// <summary>Pools the features of RoIs.</summary>
    /// <param name="boxes">The RoIs, in input px, [R, 4].</param>
    /// <param name="bins">The side of the features, in bins.</param>
    public RoiFeatureNodes Pool(OnnxValue boxes, int bins)
    {
        var range = boxes.Shape().At(0).Range();
        var level = LevelOf(boxes);
        var own = new List<OnnxValue>();
        var features = new List<OnnxValue>();
        for (var l = pyramid.Finest; l <= pyramid.Coarsest; l++)
        {
            var indices = level is null ? range : level.IsEqual(level.Number(l - pyramid.Finest)).WhereTrue();
            own.Add(indices);
            features.Add(boxes.Graph.Node(
                "RoiAlign", OnnxType.Float, [pyramid[l], boxes.Gather(indices), indices * 0], Of("mode", "avg"),
                Of("output_height", bins), Of("output_width", bins), Of("sampling_ratio", configuration.RoiSamplingRatio),
                Of("spatial_scale", MathF.ScaleB(1, -l)),
                Of("coordinate_transformation_mode", configuration.RoiAligned ? "half_pixel" : "output_half_pixel")));
        }
        var order = Concat(0, [.. own]);
        return new RoiFeatureNodes(Concat(0, [.. features]), order, range.Replace(order, range));
    }

    /// <summary>
    /// The least area, in input px², of a RoI that <see cref="RoiLevels"/> reads from a level or a coarser one. It is the very float at
    /// which that function steps, so that no rounding of a logarithm can choose another level.
    /// </summary>
    public static float LeastArea(int level, RoiLevels.Range range)
    {
        // Positive floats have the order of their bits.
        var (below, reached) = (0, BitConverter.SingleToInt32Bits(float.MaxValue));
        while (reached - below > 1)
        {
            var middle = below + (reached - below) / 2;
            if (RoiLevels.Of(new Box(0, 0, BitConverter.Int32BitsToSingle(middle), 1), range) >= level)
                reached = middle;
            else
                below = middle;
        }
        return BitConverter.Int32BitsToSingle(reached);
    }

    /// <summary>
    /// The level of each RoI, counted from the finest, [R]: how many of the levels' least areas it reaches. Null if there is one level.
    /// </summary>
    private OnnxValue? LevelOf(OnnxValue boxes)
    {
        var rule = new RoiLevelRule(configuration.RoiCanonicalSide, configuration.RoiCanonicalLevel, configuration.RoiLevelEpsilon);
        var range = new RoiLevels.Range(pyramid.Finest, pyramid.Coarsest, rule);
        float[] least = [.. Enumerable.Range(range.Finest + 1, range.Coarsest - range.Finest).Select(level => LeastArea(level, range))];
        if (least.Length == 0)
            return null;
        var (x1, y1, x2, y2) = boxes.Corners();
        return ((x2 - x1) * (y2 - y1) >= boxes.Graph.Floats(least, 1, least.Length)).As(OnnxType.Int64).Sum(axis: 1);
    }
}

/// <summary>The features of RoIs, sorted by level.</summary>
/// <param name="Features">The features, [R, d, bins, bins].</param>
/// <param name="Order">The index of each feature's RoI, [R].</param>
/// <param name="Places">The index of each RoI's feature, [R].</param>
internal sealed record RoiFeatureNodes(OnnxValue Features, OnnxValue Order, OnnxValue Places)
{
    /// <summary>Brings what was computed from the features into the order of the RoIs.</summary>
    public OnnxValue InOrder(OnnxValue computed) => computed.Gather(Places);
}
