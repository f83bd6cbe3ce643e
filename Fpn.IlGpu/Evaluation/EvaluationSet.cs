using Fpn.IlGpu.Data;
using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Evaluation;

/// <summary>Pictures with their ground truth, which a detector is evaluated on (<see cref="DetectorEvaluation"/>).</summary>
public sealed class EvaluationSet
{
    private readonly Func<int, Action<long>, RgbImage> read;
    private readonly Func<int, string> nameOf;

    private EvaluationSet(EvaluationTruth truth, Func<int, Action<long>, RgbImage> read, Func<int, string> nameOf)
    {
        Truth = truth;
        this.read = read;
        this.nameOf = nameOf;
    }

    /// <summary>The ground truth.</summary>
    public EvaluationTruth Truth { get; }

    /// <summary>Uses the files of a truth's pictures.</summary>
    /// <param name="truth">The ground truth, such as <see cref="EvaluationTruth.Read"/> reads it.</param>
    /// <param name="folder">The folder of the pictures.</param>
    /// <param name="exif">What to do with pictures that EXIF data say are turned.</param>
    public static EvaluationSet Of(EvaluationTruth truth, string folder, ExifUse exif = ExifUse.Apply)
    {
        ArgumentNullException.ThrowIfNull(truth);
        ArgumentNullException.ThrowIfNull(folder);
        return new EvaluationSet(
            truth, (i, allocates) => PictureReader.Read(PathOf(i), new PictureLimits().Announcing(allocates), exif), i => $"'{PathOf(i)}'");

        string PathOf(int i) => Path.Join(folder, truth.Pictures[i].FileName);
    }

    /// <summary>Uses an annotated set, such as <see cref="CocoAnnotations"/> and <see cref="VocFolder"/> read it.</summary>
    /// <param name="set">The set, with the folder of its pictures.</param>
    /// <param name="exif">What to do with pictures that EXIF data say are turned.</param>
    public static EvaluationSet Of(AnnotatedSet set, ExifUse exif = ExifUse.Apply)
    {
        ArgumentNullException.ThrowIfNull(set);
        return Of(EvaluationTruth.Of(set), set.Folder, exif);
    }

    /// <summary>Uses pictures of your own. All of them are read once now, for their sizes and objects, and once in each evaluation.</summary>
    /// <param name="pictures">The pictures; those of the first epoch.</param>
    /// <param name="classes">The class names by class index, without a background.</param>
    /// <exception cref="PictureException">A picture can't be used.</exception>
    public static EvaluationSet Of(IPictureSource pictures, IReadOnlyList<string> classes)
    {
        ArgumentNullException.ThrowIfNull(pictures);
        ArgumentNullException.ThrowIfNull(classes);
        return Of(
            EvaluationTruth.Of(pictures, [.. classes.Select((name, i) => new AnnotatedCategory(i + 1, name))]),
            i => pictures.Read(i, epoch: 0).Image, pictures.NameOf);
    }

    /// <summary>Uses pictures that a function reads, which is called from several threads.</summary>
    internal static EvaluationSet Of(EvaluationTruth truth, Func<int, RgbImage> read, Func<int, string> nameOf)
        => new(truth, (i, _) => read(i), nameOf);

    /// <summary>Reads the picture at an index of the truth's.</summary>
    /// <param name="index">The index.</param>
    /// <param name="allocates">Receives the bytes that decoding is about to allocate.</param>
    /// <exception cref="PictureException">It can't be used.</exception>
    internal RgbImage Read(int index, Action<long> allocates) => read(index, allocates);

    /// <summary>The name of a picture in messages.</summary>
    internal string NameOf(int index) => nameOf(index);
}
