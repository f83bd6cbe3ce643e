namespace Fpn.IlGpu.Imaging;

/// <summary>Builds a mask from runs of pixels inside the object. Pixels are counted column by column from the left.</summary>
internal sealed class MaskRunBuilder
{
    private readonly int width;
    private readonly int height;
    private readonly List<int> runs = [];
    private int end;

    /// <exception cref="ArgumentOutOfRangeException">A size is less than 1, or there are too many pixels for an array.</exception>
    public MaskRunBuilder(int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)width * height, Array.MaxLength, nameof(width));
        this.width = width;
        this.height = height;
    }

    /// <summary>The number of pixels of the whole picture.</summary>
    public int Pixels => width * height;

    /// <summary>Adds a run, which must begin where the last one ended or later; an empty run is ignored.</summary>
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

    /// <summary>Builds the mask of the added runs.</summary>
    public ObjectMask Build()
    {
        var rest = Pixels - end;
        return new ObjectMask(width, height, rest > 0 ? [.. runs, rest] : [.. runs]);
    }

    /// <summary>
    /// Builds the mask of runs that are alternately outside and inside the object; if they are wrong, returns null and the
    /// problem.
    /// </summary>
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
