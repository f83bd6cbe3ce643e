using static Fpn.IlGpu.Weights.OnnxAttribute;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// ONNX's operators as methods of values, each with the attributes that exported networks need. Source: github.com/onnx/onnx,
/// docs/Operators.md. Negative axes count from the last.
/// </summary>
internal static class OnnxOperators
{
    /// <summary>max(x, 0).</summary>
    public static OnnxValue Relu(this OnnxValue x) => Same("Relu", x);

    /// <summary>1 / (1 + exp(−x)).</summary>
    public static OnnxValue Sigmoid(this OnnxValue x) => Same("Sigmoid", x);

    /// <summary>1 / x.</summary>
    public static OnnxValue Reciprocal(this OnnxValue x) => Same("Reciprocal", x);

    /// <summary>e to the power of x.</summary>
    public static OnnxValue Exp(this OnnxValue x) => Same("Exp", x);

    /// <summary>The magnitude.</summary>
    public static OnnxValue Abs(this OnnxValue x) => Same("Abs", x);

    /// <summary>The smaller of two values.</summary>
    public static OnnxValue Min(this OnnxValue a, OnnxValue b) => a.Graph.Node("Min", a.Type, [a, b]);

    /// <summary>The larger of two values.</summary>
    public static OnnxValue Max(this OnnxValue a, OnnxValue b) => a.Graph.Node("Max", a.Type, [a, b]);

    /// <summary>The smallest of all elements, [].</summary>
    public static OnnxValue Smallest(this OnnxValue x) => x.Graph.Node("ReduceMin", x.Type, [x], Of("keepdims", 0));

    /// <summary>The largest of all elements, [].</summary>
    public static OnnxValue Largest(this OnnxValue x) => x.Graph.Node("ReduceMax", x.Type, [x], Of("keepdims", 0));

    /// <summary>The sum along an axis, which disappears.</summary>
    public static OnnxValue Sum(this OnnxValue x, int axis)
        => x.Graph.Node("ReduceSum", x.Type, [x, x.Graph.Wholes(axis)], Of("keepdims", 0));

    /// <summary>Whether elements are equal.</summary>
    public static OnnxValue IsEqual(this OnnxValue a, OnnxValue b) => a.Graph.Node("Equal", OnnxType.Bool, [a, b]);

    /// <summary>One value where a condition holds, and another elsewhere.</summary>
    public static OnnxValue Choose(this OnnxValue condition, OnnxValue then, OnnxValue otherwise)
        => condition.Graph.Node("Where", then.Type, [condition, then, otherwise]);

    /// <summary>The elements converted to a type; positive numbers are rounded down to whole ones.</summary>
    public static OnnxValue As(this OnnxValue x, OnnxType type) => x.Graph.Node("Cast", type, [x], Of("to", (long)type));

    /// <summary>The extents, [rank].</summary>
    public static OnnxValue Shape(this OnnxValue x) => x.Graph.Node("Shape", OnnxType.Int64, [x]);

    /// <summary>The same elements in another shape; 0 keeps an extent, −1 stands for the rest.</summary>
    public static OnnxValue Reshape(this OnnxValue x, params ReadOnlySpan<long> shape) => x.Graph.Node("Reshape", x.Type, [x, x.Graph.Wholes(shape)]);

    /// <summary>The axes in another order.</summary>
    public static OnnxValue Transpose(this OnnxValue x, params long[] axes) => x.Graph.Node("Transpose", x.Type, [x], Of("perm", axes));

    /// <summary>The same elements with an axis of one element more.</summary>
    public static OnnxValue Unsqueeze(this OnnxValue x, int axis) => x.Graph.Node("Unsqueeze", x.Type, [x, x.Graph.Wholes(axis)]);

    /// <summary>The elements of an axis at indices.</summary>
    public static OnnxValue Gather(this OnnxValue x, OnnxValue indices, int axis = 0)
        => x.Graph.Node("Gather", x.Type, [x, indices], Of("axis", axis));

    /// <summary>One element of an axis, which disappears.</summary>
    public static OnnxValue At(this OnnxValue x, long index, int axis = 0) => x.Gather(x.Graph.Number(index, OnnxType.Int64), axis);

    /// <summary>The elements at places, [n] or [n, …] at [n, k]: a place has an index for each of the first k axes.</summary>
    public static OnnxValue AtPlaces(this OnnxValue x, OnnxValue places) => x.Graph.Node("GatherND", x.Type, [x, places]);

    /// <summary>A part of an axis.</summary>
    public static OnnxValue Part(this OnnxValue x, int axis, long begin, long end)
        => x.Graph.Node("Slice", x.Type, [x, x.Graph.Wholes(begin), x.Graph.Wholes(end), x.Graph.Wholes(axis)]);

    /// <summary>The values one after another along an axis.</summary>
    public static OnnxValue Concat(int axis, params ReadOnlySpan<OnnxValue> values)
        => values.Length == 1 ? values[0] : values[0].Graph.Node("Concat", values[0].Type, values!, Of("axis", axis));

    /// <summary>The four coordinates x1, y1, x2, y2 of boxes [..., 4], each [..., 1].</summary>
    public static (OnnxValue X1, OnnxValue Y1, OnnxValue X2, OnnxValue Y2) Corners(this OnnxValue boxes)
    {
        var type = boxes.Type;
        var parts = boxes.Graph.Node("Split", [type, type, type, type], [boxes, boxes.Graph.Wholes(1, 1, 1, 1)], Of("axis", -1));
        return (parts[0], parts[1], parts[2], parts[3]);
    }

    /// <summary>The indices at which a list holds, [n].</summary>
    public static OnnxValue WhereTrue(this OnnxValue list) => list.Graph.Node("NonZero", OnnxType.Int64, [list]).Reshape(-1);

    /// <summary>0, 1, …, count − 1.</summary>
    public static OnnxValue Range(this OnnxValue count)
        => count.Graph.Node("Range", OnnxType.Int64, [count.Number(0), count, count.Number(1)]);

    /// <summary>The best elements of a list [n], best first; of equal ones the first.</summary>
    /// <param name="list">The list.</param>
    /// <param name="most">How many to take, if there are as many.</param>
    /// <returns>The elements and their indices, [k] each.</returns>
    public static (OnnxValue Values, OnnxValue Indices) Best(this OnnxValue list, long most)
        => list.Best(list.Shape().Min(list.Graph.Wholes(most)));

    /// <summary>As above, with a number [1] of elements to take.</summary>
    public static (OnnxValue Values, OnnxValue Indices) Best(this OnnxValue list, OnnxValue count)
    {
        var best = list.Graph.Node("TopK", [list.Type, OnnxType.Int64], [list, count], Of("axis", 0), Of("largest", 1), Of("sorted", 1));
        return (best[0], best[1]);
    }

    /// <summary>A copy of a list [n] with some elements replaced.</summary>
    public static OnnxValue Replace(this OnnxValue list, OnnxValue indices, OnnxValue values)
        => list.Graph.Node("ScatterElements", list.Type, [list, indices, values], Of("axis", 0));

    /// <summary>
    /// Greedy non-maximum suppression of several lists of boxes: a box is kept unless its IoU with a box kept before is over the
    /// threshold.
    /// </summary>
    /// <param name="boxes">[B, n, 4].</param>
    /// <param name="scores">[B, K, n]; for each of B · K lists, boxes whose score is not above the threshold are left out.</param>
    /// <param name="iou">The IoU over which a box is suppressed.</param>
    /// <param name="above">The threshold of the scores.</param>
    /// <returns>[m, 3]: the indices b, k and i of each kept box, list after list, each list's best first.</returns>
    public static OnnxValue Suppress(this OnnxValue boxes, OnnxValue scores, float iou, float above)
    {
        var graph = boxes.Graph;
        var all = graph.Wholes(int.MaxValue);
        return graph.Node("NonMaxSuppression", OnnxType.Int64, [boxes, scores, all, graph.Floats([iou], 1), graph.Floats([above], 1)]);
    }

    private static OnnxValue Same(string op, OnnxValue x) => x.Graph.Node(op, x.Type, [x]);
}
