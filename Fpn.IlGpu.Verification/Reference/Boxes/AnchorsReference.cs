namespace Fpn.IlGpu.Verification.Reference;

/// <summary>
/// torchvision's AnchorGenerator: at each location of each level, one anchor per ratio (height / width) and size.
/// </summary>
internal static class AnchorsReference
{
    /// <summary>Anchors around 0, [A, 4]: by ratio, then by size (px); corners are rounded to whole px, halves to even.</summary>
    public static float[] Cell(float[] sizes, float[] aspectRatios, bool round = true)
    {
        var anchors = new List<float>();
        foreach (var ratio in aspectRatios)
        {
            foreach (var size in sizes)
            {
                float heightRatio = MathF.Sqrt(ratio), widthRatio = 1 / heightRatio;
                float width = widthRatio * size, height = heightRatio * size;
                foreach (var corner in (float[])[-width / 2, -height / 2, width / 2, height / 2])
                    anchors.Add(round ? MathF.Round(corner, MidpointRounding.ToEven) : corner);
            }
        }

        return [.. anchors];
    }

    /// <summary>The anchors of all levels, one after the other, each [H, W, A, 4], in input px.</summary>
    /// <param name="levels">The rows and columns of each level's map.</param>
    /// <param name="strides">The strides of each level along y and x, in input px.</param>
    /// <param name="sizes">The sides of the anchors, [level][size], in px.</param>
    /// <param name="aspectRatios">The ratios, height / width.</param>
    /// <param name="round">Whether corners of the cell anchors are rounded to whole px.</param>
    public static float[] Run(
        (int H, int W)[] levels, (int Y, int X)[] strides, float[][] sizes, float[] aspectRatios, bool round = true)
    {
        var anchors = new List<float>();
        for (var level = 0; level < levels.Length; level++)
        {
            var cell = Cell(sizes[level], aspectRatios, round);
            for (var y = 0; y < levels[level].H; y++)
            {
                for (var x = 0; x < levels[level].W; x++)
                {
                    for (var i = 0; i < cell.Length; i++)
                        anchors.Add(cell[i] + (i % 2 == 0 ? x * strides[level].X : y * strides[level].Y));
                }
            }
        }
        return [.. anchors];
    }
}
