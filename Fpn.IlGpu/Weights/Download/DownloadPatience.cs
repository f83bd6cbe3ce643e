namespace Fpn.IlGpu.Weights;

/// <summary>The timeouts and retries of a download.</summary>
internal sealed record DownloadPatience
{
    /// <summary>A try that received at least this many bytes resets the number of failures.</summary>
    public const long WorthATry = 1 << 20;

    /// <summary>The time limit for establishing a connection.</summary>
    public TimeSpan Connect { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The time limit for a response, and for each <see cref="LeastBytes"/> of its body.</summary>
    public TimeSpan Stall { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The bytes that must arrive within <see cref="Stall"/>: a server that sends one now and then is no better than none.</summary>
    public int LeastBytes { get; init; } = 1 << 16;

    /// <summary>The wait before each retry; after the last retry the download fails.</summary>
    public IReadOnlyList<TimeSpan> Waits { get; init; } =
        [TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(8)];
}
