namespace Fpn.IlGpu.Imaging;

/// <summary>Makes a mask of stretches of pixels that are in. Pixels are counted column by column from the left.</summary>
internal sealed class MaskRunBuilder
{
    private readonly int width;
    private readonly int height;
    private readonly List<int> runs = [];
    private int end;

    /// <exception cref="ArgumentOutOfRangeException">A size is less than 1, or the pixels fit no array.</exception>
    public MaskRunBuilder(int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)width * height, Array.MaxLength, nameof(width));
        this.width = width;
        this.height = height;
    }

    /// <summary>Of the whole picture.</summary>
    public int Pixels => width * height;

    /// <summary>Adds a stretch, which begins where the last one ended or later; an empty one is nothing.</summary>
    public void Add(int start, int length)
    {
        if (length == 0)
            return;
        if (start == end && runs.Count > 0)
        {
            runs[^1] += length;
        }
        else
        {
            runs.Add(start - end);
            runs.Add(length);
        }
        end = start + length;
    }

    /// <summary>The mask of what was added.</summary>
    public ObjectMask Build()
    {
        var rest = Pixels - end;
        return new ObjectMask(width, height, rest > 0 ? [.. runs, rest] : [.. runs]);
    }

    /// <summary>The mask of runs that are out and in by turns, or null and what is wrong with them.</summary>
    public ObjectMask? TryBuild(ReadOnlySpan<int> lengths, out string problem)
    {
        problem = "";
        long position = 0;
        for (var i = 0; i < lengths.Length; i++)
        {
            if (lengths[i] < 0)
            {
                problem = $"Run {i} of the mask has {lengths[i]} px.";
                return null;
            }
            if (i % 2 == 1 && position + lengths[i] <= Pixels)
                Add((int)position, lengths[i]);
            position += lengths[i];
        }
        if (position != Pixels)
        {
            problem = $"The runs of the mask add up to {position} px, but the picture of {width} x {height} px has {Pixels}.";
            return null;
        }
        return Build();
    }
}
