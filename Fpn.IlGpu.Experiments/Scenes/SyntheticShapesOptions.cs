namespace Fpn.IlGpu.Experiments.Scenes;

/// <summary>How large and how many the shapes of a synthetic picture are. The defaults are the reference script's.</summary>
public sealed record SyntheticShapesOptions
{
    /// <summary>Least size (twice the radius), in px, at least 1. Shapes whose box has a side under 6 px are left out.</summary>
    public double SmallestPx { get; init; } = 10;

    /// <summary>Largest size, in px, at least <see cref="SmallestPx"/>.</summary>
    public double LargestPx { get; init; } = 280;

    /// <summary>There are 1 to this many shapes, fewer where no room is found for one.</summary>
    public int MostShapes { get; init; } = 10;

    internal void Check()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(SmallestPx, 1, nameof(SmallestPx));
        ArgumentOutOfRangeException.ThrowIfLessThan(LargestPx, SmallestPx, nameof(LargestPx));
        ArgumentOutOfRangeException.ThrowIfLessThan(MostShapes, 1, nameof(MostShapes));
    }
}
