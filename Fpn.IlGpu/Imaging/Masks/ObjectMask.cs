using System.Runtime.InteropServices;

namespace Fpn.IlGpu.Imaging;

/// <summary>
/// The pixels of one object in a picture, as COCO's run lengths: the lengths of runs of pixels that are alternately outside
/// and inside the object, column by column from the left, each column from the top. The first run is outside, and may have
/// length 0.
/// </summary>
/// <remarks>Only the first run may have length 0, so that equal masks have equal runs; other runs of length 0 are merged away.</remarks>
public sealed class ObjectMask : IEquatable<ObjectMask>
{
    private readonly int[] runs;

    internal ObjectMask(int width, int height, int[] runs)
    {
        Width = width;
        Height = height;
        this.runs = runs;
        Runs = Array.AsReadOnly(runs);
        for (var i = 1; i < runs.Length; i += 2)
            Area += runs[i];
    }

    /// <summary>Width of the picture, in px.</summary>
    public int Width { get; }

    /// <summary>Height of the picture, in px.</summary>
    public int Height { get; }

    /// <summary>Lengths of the runs in px, alternately outside and inside the object; they add up to Width · Height.</summary>
    public IReadOnlyList<int> Runs { get; }

    /// <summary>The number of pixels inside the object.</summary>
    public int Area { get; }

    internal ReadOnlySpan<int> RunLengths => runs;

    /// <summary>Creates a mask from pixels.</summary>
    /// <param name="pixels">[H, W], rows from top to bottom; pixels other than 0 are inside the object.</param>
    /// <param name="width">W in px, at least 1.</param>
    /// <param name="height">H in px, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is less than 1, or there are too many pixels for an array.</exception>
    /// <exception cref="ArgumentException">The number of pixels is not width · height.</exception>
    public static ObjectMask FromPixels(ReadOnlySpan<byte> pixels, int width, int height)
    {
        var builder = new MaskRunBuilder(width, height);
        if (pixels.Length != builder.Pixels)
        {
            throw new ArgumentException(
                $"A mask of {width} x {height} px has {builder.Pixels} pixels, not {pixels.Length}.", nameof(pixels));
        }
        for (var x = 0; x < width; x++)
        {
            for (var y = 0; y < height;)
            {
                var first = y;
                while (y < height && pixels[(y * width) + x] != 0)
                    y++;
                builder.Add((x * height) + first, y - first);
                y++;
            }
        }
        return builder.Build();
    }

    /// <summary>Creates a mask from run lengths, as in COCO's uncompressed form.</summary>
    /// <param name="runs">Lengths in px, alternately outside and inside the object, column by column; any run may be 0.</param>
    /// <param name="width">W in px, at least 1.</param>
    /// <param name="height">H in px, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is less than 1, or there are too many pixels for an array.</exception>
    /// <exception cref="ArgumentException">A run is negative, or the runs don't add up to width · height.</exception>
    public static ObjectMask FromRuns(ReadOnlySpan<int> runs, int width, int height)
    {
        var builder = new MaskRunBuilder(width, height);
        return builder.TryBuild(runs, out var problem) ?? throw new ArgumentException(problem, nameof(runs));
    }

    /// <summary>Creates a mask from COCO's compressed run lengths (<c>counts</c> in its JSON).</summary>
    /// <param name="counts">A string as <see cref="ToCocoString"/> returns it.</param>
    /// <param name="width">W in px, at least 1.</param>
    /// <param name="height">H in px, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is less than 1, or there are too many pixels for an array.</exception>
    /// <exception cref="FormatException">The string is malformed, or its runs don't add up to width · height.</exception>
    public static ObjectMask FromCocoString(string counts, int width, int height)
    {
        ArgumentNullException.ThrowIfNull(counts);
        var builder = new MaskRunBuilder(width, height);
        return builder.TryBuild(CocoCounts.Decode(counts), out var problem) ?? throw new FormatException(problem);
    }

    /// <summary>Creates the mask of an object that polygons outline, filled as COCO's own code fills them.</summary>
    /// <param name="polygons">The corners of each polygon: x, y, x, y, … in px; an object may consist of several polygons.</param>
    /// <param name="width">W in px, at least 1.</param>
    /// <param name="height">H in px, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is less than 1, or there are too many pixels for an array.</exception>
    /// <exception cref="ArgumentException">
    /// There is no polygon, a coordinate is NaN or more than a million px from 0, or the outline is too long for the picture.
    /// </exception>
    public static ObjectMask FromPolygons(IReadOnlyList<double[]> polygons, int width, int height)
    {
        ArgumentNullException.ThrowIfNull(polygons);
        PolygonMask.RefuseEndless(polygons, width, height);
        return polygons.Count > 0
            ? polygons.Select(polygon => PolygonMask.Fill(polygon, width, height)).Aggregate(MaskOverlap.Union)
            : throw new ArgumentException("There is no polygon.", nameof(polygons));
    }

    /// <summary>Returns COCO's compressed run lengths, in ASCII.</summary>
    public string ToCocoString() => CocoCounts.Encode(runs);

    /// <summary>Returns the pixels, [H, W], rows from top to bottom: 1 inside the object, 0 outside.</summary>
    public byte[] ToPixels()
    {
        var pixels = new byte[Width * Height];
        foreach ((var x, var y, var length) in Strokes())
        {
            for (var i = 0; i < length; i++)
                pixels[((y + i) * Width) + x] = 1;
        }
        return pixels;
    }

    /// <summary>Returns the mask of the picture mirrored left to right.</summary>
    public ObjectMask Mirrored()
    {
        var mirrored = new MaskRunBuilder(Width, Height);
        (int X, int Y, int Length)[] strokes = [.. Strokes()];
        // The columns from the last to the first; the strokes of each column still from the top.
        for (var end = strokes.Length; end > 0;)
        {
            var first = end - 1;
            while (first > 0 && strokes[first - 1].X == strokes[end - 1].X)
                first--;
            foreach ((var x, var y, var length) in strokes.AsSpan(first, end - first))
                mirrored.Add(((Width - 1 - x) * Height) + y, length);
            end = first;
        }
        return mirrored.Build();
    }

    /// <summary>Returns the mask of a part of the picture.</summary>
    /// <param name="part">The part, inside the picture.</param>
    internal ObjectMask Cropped(PixelRectangle part)
    {
        var cropped = new MaskRunBuilder(part.Width, part.Height);
        foreach ((var x, var y, var length) in Strokes())
        {
            var (top, bottom) = (Math.Max(y, part.Top), Math.Min(y + length, part.Bottom));
            if (x >= part.Left && x < part.Right && top < bottom)
                cropped.Add(((x - part.Left) * part.Height) + top - part.Top, bottom - top);
        }
        return cropped.Build();
    }

    /// <inheritdoc/>
    public bool Equals(ObjectMask? other)
        => other is not null && Width == other.Width && Height == other.Height && runs.AsSpan().SequenceEqual(other.runs);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as ObjectMask);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.Add(Width);
        hash.Add(Height);
        hash.AddBytes(MemoryMarshal.AsBytes(runs.AsSpan()));
        return hash.ToHashCode();
    }

    /// <summary>Returns the area and the size, for people.</summary>
    public override string ToString() => FormattableString.Invariant($"{Area} of {Width} x {Height} px");

    /// <summary>The runs inside the object, cut where a column ends: px (x, y) and the ones below it.</summary>
    internal IEnumerable<(int X, int Y, int Length)> Strokes()
    {
        var end = 0;
        for (var i = 0; i < runs.Length; i++)
        {
            var start = end;
            end += runs[i];
            while (i % 2 == 1 && start < end)
            {
                (var x, var y) = Math.DivRem(start, Height);
                var length = Math.Min(end - start, Height - y);
                yield return (x, y, length);
                start += length;
            }
        }
    }
}
