namespace Fpn.IlGpu.Experiments.Scenes;

/// <summary>A picture of [H,W,C] bytes to draw on row by row; spans are clipped to it.</summary>
/// <param name="width">The width, W, in px.</param>
/// <param name="height">The height, H, in px.</param>
/// <param name="channels">The number of channels, C: 1 for masks, 3 for RGB.</param>
/// <param name="pixels">The pixels, [H,W,C]; drawn on in place, not copied.</param>
internal sealed class SpanRaster(int width, int height, int channels, byte[] pixels)
{
    private readonly byte[] ink = new byte[channels];

    /// <summary>The height, H, in px.</summary>
    public int Height { get; } = height;

    /// <summary>The first row that was drawn on; <see cref="int.MaxValue"/> if there is none.</summary>
    public int FirstRow { get; private set; } = int.MaxValue;

    /// <summary>The last row that was drawn on; −1 if there is none.</summary>
    public int LastRow { get; private set; } = -1;

    /// <summary>Sets the colour to draw with, one value per channel.</summary>
    public void SetInk(params ReadOnlySpan<byte> values) => values.CopyTo(ink);

    /// <summary>Draws a span of row y from x0 to x1, both included and in either order.</summary>
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

    /// <summary>Resets all rows that were drawn on to black.</summary>
    public void Clear()
    {
        if (LastRow >= 0)
            pixels.AsSpan(FirstRow * width * channels, (LastRow - FirstRow + 1) * width * channels).Clear();
        (FirstRow, LastRow) = (int.MaxValue, -1);
    }
}
