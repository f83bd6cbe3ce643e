namespace Fpn.IlGpu.Weights;

/// <summary>How long a download waits for what, and how often it begins again.</summary>
internal sealed record DownloadPatience
{
    /// <summary>A try that brought this many bytes was worth it: the tries are counted anew after it.</summary>
    public const long WorthATry = 1 << 20;

    /// <summary>For a connection to be made.</summary>
    public TimeSpan Connect { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>For an answer, and then for each next piece of it.</summary>
    public TimeSpan Stall { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Before each further try; after the last it gives up.</summary>
    public IReadOnlyList<TimeSpan> Waits { get; init; } =
        [TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(8)];
}
