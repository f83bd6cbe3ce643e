namespace Fpn.IlGpu.Verification.Reference;

/// <summary>
/// torchvision's AnchorGenerator: around each location of each level, one anchor a ratio (height / width) and size.
/// </summary>
internal static class AnchorsReference
{
    /// <summary>Anchors around 0, [A, 4]: ratios outermost, sizes (px) within; corners rounded to even.</summary>
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

    /// <summary>All levels one after another, each [H, W, A, 4], in input px.</summary>
    /// <param name="levels">Rows and columns of each level's map.</param>
    /// <param name="strides">Input px between two rows and two columns of each level.</param>
    /// <param name="sizes">Sides of the anchors, [level][size], in px.</param>
    /// <param name="aspectRatios">Height / width.</param>
    /// <param name="round">Corners of the cell anchors are rounded to whole px.</param>
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
