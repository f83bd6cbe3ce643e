using System.Numerics;

using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Training;

/// <summary>Boxes with each coordinate in a separate array, for SIMD.</summary>
internal sealed class BoxColumns
{
    private readonly float[] x1;
    private readonly float[] y1;
    private readonly float[] x2;
    private readonly float[] y2;
    private readonly float[] area;

    /// <summary>Copies the coordinates of boxes.</summary>
    public BoxColumns(ReadOnlySpan<Box> boxes)
    {
        Count = boxes.Length;
        // Pad to whole vectors with empty boxes, which overlap nothing.
        PaddedCount = (Count + Vector<float>.Count - 1) / Vector<float>.Count * Vector<float>.Count;
        (x1, y1, x2, y2) = (new float[PaddedCount], new float[PaddedCount], new float[PaddedCount], new float[PaddedCount]);
        area = new float[PaddedCount];
        for (var i = 0; i < Count; i++)
            (x1[i], y1[i], x2[i], y2[i], area[i]) = (boxes[i].X1, boxes[i].Y1, boxes[i].X2, boxes[i].Y2, boxes[i].Area);
    }

    /// <summary>The number of boxes.</summary>
    public int Count { get; }

    /// <summary>The number of boxes, rounded up to whole vectors.</summary>
    public int PaddedCount { get; }

    /// <summary>The box at index i.</summary>
    public Box this[int i] => new(x1[i], y1[i], x2[i], y2[i]);

    /// <summary>The areas of the vector of boxes that starts at i, in px².</summary>
    public Vector<float> Areas(int i) => new(area, i);

    /// <summary>The areas of intersection of the vector of boxes that starts at i with another box, in px².</summary>
    public Vector<float> Intersections(int i, Box other)
    {
        var w = Vector.Min(new Vector<float>(x2, i), new Vector<float>(other.X2))
            - Vector.Max(new Vector<float>(x1, i), new Vector<float>(other.X1));
        var h = Vector.Min(new Vector<float>(y2, i), new Vector<float>(other.Y2))
            - Vector.Max(new Vector<float>(y1, i), new Vector<float>(other.Y1));
        return Vector.Max(w, Vector<float>.Zero) * Vector.Max(h, Vector<float>.Zero);
    }

    /// <summary>The IoU of the vector of boxes that starts at i with another box; 0 where neither box has an area.</summary>
    public Vector<float> Ious(int i, Box other) => Ious(i, other, Intersections(i, other));

    /// <summary>The same, of boxes whose intersections are known.</summary>
    public Vector<float> Ious(int i, Box other, Vector<float> intersections)
    {
        var unions = Areas(i) + new Vector<float>(other.Area) - intersections;
        return intersections / Vector.Max(unions, new Vector<float>(float.Epsilon));
    }
}
