namespace Fpn.IlGpu.Weights;

/// <summary>
/// The values of <c>fpn.config</c>'s key <c>pyramid</c>: the paper's pyramid, and the variants that the paper compares it with
/// (Lin et al., tables 1 and 2; each value names its row).
/// </summary>
public static class PyramidKind
{
    /// <summary>Top-down pathway and lateral connections (row c).</summary>
    public const string Fpn = "fpn";

    /// <summary>Lateral connections only: each level sees only its own backbone map (row d).</summary>
    public const string BottomUp = "bottom-up";

    /// <summary>The top-down pathway only: each level is the top map, upsampled (row e).</summary>
    public const string NoLateral = "no-lateral";

    /// <summary>The full pyramid, of which only the finest level is used (row f).</summary>
    public const string Finest = "finest";

    /// <summary>No pyramid: the backbone's last map as it is (rows a and b).</summary>
    public const string SingleMap = "single-map";

    /// <summary>All pyramid kinds.</summary>
    public static IReadOnlyList<string> All { get; } = [Fpn, BottomUp, NoLateral, Finest, SingleMap];
}
