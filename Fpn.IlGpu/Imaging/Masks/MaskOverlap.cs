namespace Fpn.IlGpu.Imaging;

/// <summary>The intersection, union and bounds of masks, computed from their runs, without visiting pixels.</summary>
internal static class MaskOverlap
{
    /// <summary>The number of pixels in both masks, which must have the same size.</summary>
    public static int Intersection(ObjectMask a, ObjectMask b)
    {
        CheckSizes(a, b);
        ReadOnlySpan<int> runsA = a.RunLengths, runsB = b.RunLengths;
        var common = 0;
        int i = 0, j = 0;
        int leftA = runsA[0], leftB = runsB[0];
        while (true)
        {
            var step = Math.Min(leftA, leftB);
            if ((i & j & 1) == 1)
                common += step;
            leftA -= step;
            leftB -= step;
            if (leftA == 0)
            {
                if (++i == runsA.Length)
                    return common;
                leftA = runsA[i];
            }
            if (leftB == 0)
            {
                if (++j == runsB.Length)
                    return common;
                leftB = runsB[j];
            }
        }
    }

    /// <summary>The mask of the pixels in either mask; both must have the same size.</summary>
    public static ObjectMask Union(ObjectMask a, ObjectMask b)
    {
        CheckSizes(a, b);
        var union = new MaskRunBuilder(a.Width, a.Height);
        ReadOnlySpan<int> runsA = a.RunLengths, runsB = b.RunLengths;
        int i = 0, j = 0, at = 0;
        int endA = runsA[0], endB = runsB[0];
        while (at < union.Pixels)
        {
            var end = Math.Min(endA, endB);
            if (((i | j) & 1) == 1)
                union.Add(at, end - at);
            at = end;
            while (endA == at && ++i < runsA.Length)
                endA += runsA[i];
            while (endB == at && ++j < runsB.Length)
                endB += runsB[j];
        }
        return union.Build();
    }

    /// <summary>The smallest rectangle around the mask's pixels; empty at (0, 0) if there are none.</summary>
    public static PixelRectangle Bounds(ObjectMask mask)
    {
        if (mask.Area == 0)
            return default;
        int left = mask.Width, top = mask.Height, right = 0, bottom = 0, end = 0;
        var runs = mask.RunLengths;
        for (var i = 0; i < runs.Length; i++)
        {
            var start = end;
            end += runs[i];
            if (i % 2 == 0)
                continue;
            (var firstX, var firstY) = Math.DivRem(start, mask.Height);
            (var lastX, var lastY) = Math.DivRem(end - 1, mask.Height);
            left = Math.Min(left, firstX);
            right = Math.Max(right, lastX + 1);

            // A run that continues in the next column contains the bottom of the one and the top of the other.
            top = firstX < lastX ? 0 : Math.Min(top, firstY);
            bottom = firstX < lastX ? mask.Height : Math.Max(bottom, lastY + 1);
        }
        return new PixelRectangle(left, top, right, bottom);
    }

    private static void CheckSizes(ObjectMask a, ObjectMask b)
    {
        if (a.Width != b.Width || a.Height != b.Height)
            throw new ArgumentException($"Masks of {a.Width} x {a.Height} px and of {b.Width} x {b.Height} px can't be combined.");
    }
}
