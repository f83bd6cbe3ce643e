using System.Text.Json.Serialization;
using Fpn.IlGpu.Data;

namespace Fpn.IlGpu.Training;

/// <summary>The augmentation of training pictures beyond mirroring and several sizes; each part is off unless it is given.</summary>
public sealed record AugmentData
{
    /// <summary>Random changes of colour.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public PhotometricDistort? Photometric { get; init; }

    /// <summary>Random crops around objects.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IouCrop? IouCrop { get; init; }

    /// <summary>Large-scale jitter.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ScaleJitter? ScaleJitter { get; init; }

    internal string? Problem(int[] shorterSides)
        => ScaleJitter is not null && shorterSides.Length > 0
            ? "'data.augment.scale_jitter' takes the place of 'data.shorter_sides': leave one of them out"
            : Photometric?.Problem() ?? IouCrop?.Problem() ?? ScaleJitter?.Problem();
}
