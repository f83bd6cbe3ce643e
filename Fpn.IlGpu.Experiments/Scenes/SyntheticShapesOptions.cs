namespace Fpn.IlGpu.Experiments.Scenes;

/// <summary>The sizes and number of the shapes of a synthetic picture. The defaults are the reference script's.</summary>
public sealed record SyntheticShapesOptions
{
    /// <summary>The smallest size (twice the radius), in px, at least 1. Shapes whose box has a side under 6 px are dropped.</summary>
    public double SmallestPx { get; init; } = 10;

    /// <summary>The largest size, in px, at least <see cref="SmallestPx"/>.</summary>
    public double LargestPx { get; init; } = 280;

    /// <summary>The most shapes of a picture. The number is drawn from 1 up to this; shapes that find no room are dropped.</summary>
    public int MostShapes { get; init; } = 10;

    internal void Check()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(SmallestPx, 1, nameof(SmallestPx));
        ArgumentOutOfRangeException.ThrowIfLessThan(LargestPx, SmallestPx, nameof(LargestPx));
        ArgumentOutOfRangeException.ThrowIfLessThan(MostShapes, 1, nameof(MostShapes));
    }
}
