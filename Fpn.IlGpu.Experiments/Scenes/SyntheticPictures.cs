using Fpn.IlGpu.Data;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Training;

namespace Fpn.IlGpu.Experiments.Scenes;

/// <summary>Synthetic scenes as training pictures. Do not train on seeds 500 000…500 499, which are reserved for evaluation.</summary>
/// <param name="firstSeed">The seed of the first picture; the following pictures have consecutive seeds.</param>
/// <param name="count">The number of pictures in an epoch, at least 1.</param>
/// <param name="width">The width of each picture, in px, at least 21.</param>
/// <param name="height">The height of each picture, in px.</param>
public sealed class SyntheticPictures(ulong firstSeed, int count, int width = 320, int height = 320) : IPictureSource
{
    /// <summary>Whether each epoch has new pictures instead of repeating the same ones.</summary>
    public bool IsEndless { get; init; }

    /// <summary>The sizes and number of the shapes.</summary>
    public SyntheticShapesOptions Options { get; init; } = new();

    /// <summary>The scenes that a training configuration describes.</summary>
    internal static SyntheticPictures Of(ShapesData data) => new((ulong)data.FirstSeed, data.Count, data.Width, data.Height)
    {
        Options = new SyntheticShapesOptions { SmallestPx = data.Smallest, LargestPx = data.Largest },
    };

    /// <inheritdoc/>
    public int Count { get; } = count > 0
    ? count
    : throw new ArgumentOutOfRangeException(nameof(count), count, "At least one picture is needed.");

    /// <inheritdoc/>
    public bool IsWide(int index) => width > height;

    /// <summary>The id of a picture; ids count from 1, as in <c>fpn shapes</c>.</summary>
    public long IdOf(int index) => index + 1;

    /// <inheritdoc/>
    public string NameOf(int index) => $"the scene of seed {firstSeed + (ulong)index}";

    /// <inheritdoc/>
    public SourcePicture Read(int index, long epoch)
    {
        var seed = firstSeed + (ulong)index + (IsEndless ? (ulong)epoch * (ulong)Count : 0);
        var scene = SyntheticShapes.Scene(seed, width, height, Options);
        // The area stays the box's: evaluations by size compare with those from before scenes had masks.
        var objects = scene.Shapes.Zip(
            scene.Masks, (s, mask) => new AnnotatedObject(new Box(s.X1, s.Y1, s.X2, s.Y2), s.ClassIndex) { Mask = mask });
        return new SourcePicture(scene.Image, [.. objects]);
    }
}
