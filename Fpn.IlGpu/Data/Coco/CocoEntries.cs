namespace Fpn.IlGpu.Data;

/// <summary>An entry of <c>images</c>; a size that is not said is 0.</summary>
internal sealed record CocoPicture(long Id, string FileName, int Width, int Height);

/// <summary>An entry of <c>annotations</c>, or of a file of results, as it is written.</summary>
internal sealed record CocoEntry
{
    /// <summary>Its place in the file, from 1.</summary>
    public required int Number { get; init; }

    /// <summary>Null where it has none, as results do.</summary>
    public long? Id { get; init; }

    public long? PictureId { get; init; }

    public long? CategoryId { get; init; }

    /// <summary>x, y, width, height in px, all finite; null where it is missing, empty, or something else.</summary>
    public double[]? Box { get; init; }

    /// <summary>In px²; null where it is missing or no number.</summary>
    public double? Area { get; init; }

    public double? Score { get; init; }

    public bool IsCrowd { get; init; }

    public bool IsIgnored { get; init; }

    /// <summary>Null where there is none, or none was asked for.</summary>
    public CocoSegmentation? Segmentation { get; init; }
}
