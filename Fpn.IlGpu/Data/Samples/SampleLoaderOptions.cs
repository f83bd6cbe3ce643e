namespace Fpn.IlGpu.Data;

/// <summary>How training samples are loaded.</summary>
public sealed record SampleLoaderOptions
{
    /// <summary>Pictures a step, at least 1.</summary>
    public int BatchSize { get; init; } = 2;

    /// <summary>Decides order and variation; nothing else does.</summary>
    public long Seed { get; init; }

    /// <summary>How pictures are varied.</summary>
    public Augmentation Augmentation { get; init; } = new();

    /// <summary>Whether wide and high pictures stay in batches of their own where they can.</summary>
    public bool GroupByShape { get; init; }

    /// <summary>The step to begin with.</summary>
    public long FirstStep { get; init; }

    /// <summary>Threads that read, at least 1.</summary>
    public int Workers { get; init; } = 2;

    /// <summary>Samples that may wait, or be in the making, beyond those of the step that is taken; at least 1.</summary>
    public int Ahead { get; init; } = 8;

    internal void Check()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(BatchSize, 1, nameof(BatchSize));
        ArgumentOutOfRangeException.ThrowIfLessThan(Workers, 1, nameof(Workers));
        ArgumentOutOfRangeException.ThrowIfLessThan(Ahead, 1, nameof(Ahead));
        ArgumentOutOfRangeException.ThrowIfNegative(FirstStep, nameof(FirstStep));
        Augmentation.Check();
    }
}
