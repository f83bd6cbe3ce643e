using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.Algorithms;

namespace Fpn.IlGpu.Course.Solutions;

/// <summary>Non-maximum suppression by bit masks.</summary>
public static class Chapter10
{
    /// <summary>Returns shared area over joint area; 0 for boxes that do not overlap.</summary>
    public static float IntersectionOverUnion(Box a, Box b)
    {
        var w = XMath.Max(0, XMath.Min(a.X2, b.X2) - XMath.Max(a.X1, b.X1));
        var h = XMath.Max(0, XMath.Min(a.Y2, b.Y2) - XMath.Max(a.Y1, b.Y1));
        var shared = w * h;
        return shared > 0 ? shared / (a.Area + b.Area - shared) : 0;
    }

    /// <summary>One thread = one box i and 32 others.</summary>
    public static void Mask(Index1D index, GlobalView<Box> boxes, GlobalView<int> labels, NmsSize size, GlobalView<uint> mask)
    {
        var i = index / size.Words;
        var first = index % size.Words * 32;
        var bits = 0u;
        var end = XMath.Min(first + 32, size.Count);
        for (var j = XMath.Max(first, i + 1); j < end; j++)
        {
            if (labels[j] == labels[i] && IntersectionOverUnion(boxes[i], boxes[j]) > size.Threshold)
                bits |= 1u << (j - first);
        }
        mask[index] = bits;
    }

    /// <summary>One thread, the only one: from the best box to the worst.</summary>
    public static void Keep(Index1D index, GlobalView<uint> mask, NmsSize size, GlobalView<int> kept)
    {
        for (var j = 0; j < size.Count; j++)
        {
            var isKept = 1;
            for (var i = 0; i < j; i++)
            {
                if (kept[i] == 1 && (mask[i * size.Words + j / 32] >> (j % 32) & 1) == 1)
                    isKept = 0;
            }
            kept[j] = isKept;
        }
    }
}
