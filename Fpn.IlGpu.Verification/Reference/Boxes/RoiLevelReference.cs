namespace Fpn.IlGpu.Verification.Reference;

/// <summary>
/// Equation 1 of the paper, k = floor(k0 + log2(sqrt(w · h) / s0)), clamped to the existing levels. torchvision adds 1e-6 to the
/// logarithm, so that rounding can't move a box of exactly s0 / 2 px to the level below.
/// </summary>
internal static class RoiLevelReference
{
    /// <summary>The level of each of the boxes [R, 4] (input px), from <paramref name="lowest"/> to <paramref name="highest"/>.</summary>
    public static int[] Run(float[] boxes, int lowest, int highest, float side = 224, int level0 = 4, float epsilon = 1e-6f)
    {
        var levels = new int[boxes.Length / 4];
        for (var r = 0; r < levels.Length; r++)
        {
            float width = boxes[4 * r + 2] - boxes[4 * r], height = boxes[4 * r + 3] - boxes[4 * r + 1];
            var level = MathF.Floor(level0 + MathF.Log2(MathF.Sqrt(width * height) / side) + epsilon);
            levels[r] = float.IsNaN(level) ? lowest : (int)Math.Clamp(level, lowest, highest);
        }
        return levels;
    }
}
