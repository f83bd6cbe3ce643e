using System.Numerics;

using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Training;

/// <summary>Boxes with each coordinate in an array of its own, as SIMD wants them; those of a grid's anchors can be kept.</summary>
internal sealed class BoxColumns
{
    private readonly float[] x1;
    private readonly float[] y1;
    private readonly float[] x2;
    private readonly float[] y2;
    private readonly float[] area;

    /// <summary>Copies boxes.</summary>
    public BoxColumns(ReadOnlySpan<Box> boxes)
    {
        Count = boxes.Length;
        // Up to whole vectors with boxes without area, which overlap nothing.
        PaddedCount = (Count + Vector<float>.Count - 1) / Vector<float>.Count * Vector<float>.Count;
        (x1, y1, x2, y2) = (new float[PaddedCount], new float[PaddedCount], new float[PaddedCount], new float[PaddedCount]);
        area = new float[PaddedCount];
        for (var i = 0; i < Count; i++)
            (x1[i], y1[i], x2[i], y2[i], area[i]) = (boxes[i].X1, boxes[i].Y1, boxes[i].X2, boxes[i].Y2, boxes[i].Area);
    }

    /// <summary>How many there are.</summary>
    public int Count { get; }

    /// <summary>That, rounded up to whole vectors.</summary>
    public int PaddedCount { get; }

    /// <summary>Box i.</summary>
    public Box this[int i] => new(x1[i], y1[i], x2[i], y2[i]);

    /// <summary>The areas of a vector of boxes from i on, in px².</summary>
    public Vector<float> Areas(int i) => new(area, i);

    /// <summary>What a vector of boxes from i on have in common with another box, in px².</summary>
    public Vector<float> Intersections(int i, Box other)
    {
        var w = Vector.Min(new Vector<float>(x2, i), new Vector<float>(other.X2))
            - Vector.Max(new Vector<float>(x1, i), new Vector<float>(other.X1));
        var h = Vector.Min(new Vector<float>(y2, i), new Vector<float>(other.Y2))
            - Vector.Max(new Vector<float>(y1, i), new Vector<float>(other.Y1));
        return Vector.Max(w, Vector<float>.Zero) * Vector.Max(h, Vector<float>.Zero);
    }

    /// <summary>Intersection over union of a vector of boxes from i on with another box; 0 where neither has an area.</summary>
    public Vector<float> Ious(int i, Box other)
    {
        var intersections = Intersections(i, other);
        var unions = Areas(i) + new Vector<float>(other.Area) - intersections;
        return intersections / Vector.Max(unions, new Vector<float>(float.Epsilon));
    }
}
