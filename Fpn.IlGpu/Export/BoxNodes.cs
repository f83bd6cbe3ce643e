using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Weights;
using static Fpn.IlGpu.Weights.OnnxOperators;

namespace Fpn.IlGpu.Export;

/// <summary>Arithmetic of boxes [..., 4] as ONNX nodes. The formulas are those of <see cref="Anchors"/> and <see cref="BoxCoding"/>.</summary>
internal static class BoxNodes
{
    /// <summary>
    /// Moves and scales boxes by deltas.
    /// <code>cx = x + w · dx / wx     w' = w · exp(min(dw / ww, log(1000 / 16)))      y, h likewise</code>
    /// </summary>
    /// <param name="from">The anchors or proposals, [..., 4].</param>
    /// <param name="deltas">dx, dy, dw, dh, [..., 4].</param>
    /// <param name="weights">The divisors of the deltas.</param>
    public static OnnxValue Decode(OnnxValue from, OnnxValue deltas, BoxWeights weights)
    {
        var (x1, y1, x2, y2) = from.Corners();
        var divided = weights == new BoxWeights(1, 1, 1, 1)
            ? deltas
            : deltas / deltas.Graph.Floats([weights.X, weights.Y, weights.W, weights.H], 4);
        var (dx, dy, dw, dh) = divided.Corners();
        var (left, right) = Along(x1, x2, dx, dw);
        var (top, bottom) = Along(y1, y2, dy, dh);
        return Concat(-1, left, top, right, bottom);
    }

    /// <summary>The parts of boxes within the picture.</summary>
    /// <param name="boxes">The boxes, [..., 4].</param>
    /// <param name="limits">The picture's sides as limits of x1, y1, x2, y2, [4].</param>
    public static OnnxValue Clip(OnnxValue boxes, OnnxValue limits) => boxes.Max(boxes.Number(0)).Min(limits);

    /// <summary>Whether both sides of each box are at least as long as given, [..., 1].</summary>
    public static OnnxValue AreAtLeast(OnnxValue boxes, float smallestPx)
    {
        var (x1, y1, x2, y2) = boxes.Corners();
        return (x2 - x1 >= smallestPx) & (y2 - y1 >= smallestPx);
    }

    /// <summary>
    /// The anchors of a level at indices in the order y, x, a: <c>cell[a] + (x, y, x, y) · stride</c>.
    /// </summary>
    /// <param name="indices">The indices of anchors, [k].</param>
    /// <param name="cells">The cells of the level: x1, y1, x2, y2 relative to the position, [A · 4].</param>
    /// <param name="map">A map of the level, [1, …, H, W].</param>
    /// <param name="stride">The level's stride in y and x, in input px, [2].</param>
    /// <returns>The anchors, [k, 4].</returns>
    public static OnnxValue AnchorsAt(OnnxValue indices, ReadOnlySpan<float> cells, OnnxValue map, OnnxValue stride)
    {
        var perLocation = cells.Length / 4;
        var position = indices / perLocation;
        var width = map.Shape().At(3);
        var x = (position % width * stride.At(1)).Unsqueeze(1);
        var y = (position / width * stride.At(0)).Unsqueeze(1);
        return indices.Graph.Floats(cells, perLocation, 4).Gather(indices % perLocation) + Concat(1, x, y, x, y).As(OnnxType.Float);
    }

    // One axis: the begin and end of the moved and scaled boxes.
    private static (OnnxValue Begin, OnnxValue End) Along(OnnxValue begin, OnnxValue end, OnnxValue delta, OnnxValue logScale)
    {
        var side = end - begin;
        var centre = delta * side + (begin + 0.5 * side);
        var half = 0.5 * (logScale.Min(logScale.Number(BoxCoding.LargestLogScale)).Exp() * side);
        return (centre - half, centre + half);
    }
}
