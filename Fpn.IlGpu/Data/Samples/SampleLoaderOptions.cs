namespace Fpn.IlGpu.Data;

/// <summary>Options for loading training samples.</summary>
internal sealed record SampleLoaderOptions
{
    /// <summary>Pictures per step, at least 1.</summary>
    public int BatchSize { get; init; } = 2;

    /// <summary>The seed, which alone determines order and augmentation.</summary>
    public long Seed { get; init; }

    /// <summary>The augmentation of the pictures.</summary>
    public Augmentation Augmentation { get; init; } = new();

    /// <summary>Whether to put wide and high pictures into separate batches where possible.</summary>
    public bool GroupByShape { get; init; }

    /// <summary>
    /// Whether samples carry their objects' masks (<see cref="SampleObject.Mask"/>), as far as the source has them; if not, masks
    /// cost nothing.
    /// </summary>
    public bool WithMasks { get; init; }

    /// <summary>The first step.</summary>
    public long FirstStep { get; init; }

    /// <summary>The number of reading threads, at least 1.</summary>
    public int Workers { get; init; } = 2;

    /// <summary>The number of samples that may be ready or in progress beyond the current step's; at least 1.</summary>
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
