namespace Fpn.IlGpu.Tests.Reference;

/// <summary>Which boxes have both sides of at least a size.</summary>
public static class SmallBoxesReference
{
    /// <summary>Boxes [R, 4] to the indices that stay, in order.</summary>
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
