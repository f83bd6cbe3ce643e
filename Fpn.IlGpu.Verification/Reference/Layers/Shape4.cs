namespace Fpn.IlGpu.Verification.Reference;

/// <summary>The extents of an NHWC tensor: batch, rows, columns, channels.</summary>
internal readonly record struct Shape4(int N, int H, int W, int C)
{
    /// <summary>The number of elements.</summary>
    public int Count => N * H * W * C;

    /// <summary>The index of element (n, y, x, c).</summary>
    public int At(int n, int y, int x, int c) => ((n * H + y) * W + x) * C + c;

    /// <summary>The coordinates of every element in memory order: the four loops that all references share.</summary>
    public IEnumerable<(int N, int Y, int X, int C)> Elements()
    {
        for (var n = 0; n < N; n++)
        {
            for (var y = 0; y < H; y++)
            {
                for (var x = 0; x < W; x++)
                {
                    for (var c = 0; c < C; c++)
                        yield return (n, y, x, c);
                }
            }
        }
    }

    /// <summary>The extents as a list, outermost first.</summary>
    public int[] ToArray() => [N, H, W, C];
}
