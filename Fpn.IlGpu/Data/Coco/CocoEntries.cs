namespace Fpn.IlGpu.Data;

/// <summary>An entry of <c>images</c>. A missing size is 0.</summary>
internal sealed record CocoPicture(long Id, string FileName, int Width, int Height);

/// <summary>An entry of <c>annotations</c> or of a results file, as written.</summary>
internal sealed record CocoEntry
{
    /// <summary>The position in the file, from 1.</summary>
    public required int Number { get; init; }

    /// <summary>Null if it has none, as in results.</summary>
    public long? Id { get; init; }

    public long? PictureId { get; init; }

    public long? CategoryId { get; init; }

    /// <summary>x, y, width, height in px, all finite; null if missing, empty or invalid.</summary>
    public double[]? Box { get; init; }

    /// <summary>In px²; null if missing or not a number.</summary>
    public double? Area { get; init; }

    public double? Score { get; init; }

    public bool IsCrowd { get; init; }

    public bool IsIgnored { get; init; }

    /// <summary>Null if there is none, or if masks were not requested.</summary>
    public CocoSegmentation? Segmentation { get; init; }
}
