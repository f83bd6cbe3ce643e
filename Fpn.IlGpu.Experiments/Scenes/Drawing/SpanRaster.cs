namespace Fpn.IlGpu.Experiments.Scenes;

/// <summary>A picture that is drawn row by row: [H,W,C] bytes, and a pen whose spans are clipped to it.</summary>
/// <param name="width">W, in px.</param>
/// <param name="height">H, in px.</param>
/// <param name="channels">C: 1 for masks, 3 for RGB.</param>
/// <param name="pixels">[H,W,C], kept, not copied.</param>
internal sealed class SpanRaster(int width, int height, int channels, byte[] pixels)
{
    private readonly byte[] ink = new byte[channels];

    /// <summary>H, in px.</summary>
    public int Height { get; } = height;

    /// <summary>First row that was drawn on, if any was.</summary>
    public int FirstRow { get; private set; } = int.MaxValue;

    /// <summary>Last row that was drawn on; −1 where none was.</summary>
    public int LastRow { get; private set; } = -1;

    /// <summary>What is drawn from now on, a value a channel.</summary>
    public void SetInk(params ReadOnlySpan<byte> values) => values.CopyTo(ink);

    /// <summary>Draws from x0 to x1, both included and in either order, on a row.</summary>
    public void Span(int x0, int x1, int y)
    {
        var (first, last) = (Math.Max(Math.Min(x0, x1), 0), Math.Min(Math.Max(x0, x1), width - 1));
        if (y < 0 || y >= Height || first > last)
            return;
        var span = pixels.AsSpan((y * width + first) * channels, (last - first + 1) * channels);
        if (channels == 1)
        {
            span.Fill(ink[0]);
        }
        else
        {
            for (var i = 0; i < span.Length; i += channels)
                ink.CopyTo(span[i..]);
        }
        FirstRow = Math.Min(FirstRow, y);
        LastRow = Math.Max(LastRow, y);
    }

    /// <summary>Makes all rows that were drawn on black again.</summary>
    public void Clear()
    {
        if (LastRow >= 0)
            pixels.AsSpan(FirstRow * width * channels, (LastRow - FirstRow + 1) * width * channels).Clear();
        (FirstRow, LastRow) = (int.MaxValue, -1);
    }
}
