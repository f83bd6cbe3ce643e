namespace Fpn.IlGpu.Tests.Reference;

/// <summary>The boxes whose two sides both have at least a given size.</summary>
public static class SmallBoxesReference
{
    /// <summary>Returns the indices of the boxes [R, 4] that are kept, in order.</summary>
    public static int[] Run(float[] boxes, float least)
    {
        var kept = new List<int>();
        for (var r = 0; r < boxes.Length / 4; r++)
        {
            if (boxes[4 * r + 2] - boxes[4 * r] >= least && boxes[4 * r + 3] - boxes[4 * r + 1] >= least)
                kept.Add(r);
        }

        return [.. kept];
    }
}
