using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Data;

/// <summary>The pictures of an annotated set that can be learned from, read from their files.</summary>
public sealed class AnnotatedSetPictures : IPictureSource
{
    private readonly AnnotatedSet set;
    private readonly PictureLimits? limits;
    private readonly ExifUse exif;
    private readonly List<AnnotatedPicture> pictures;

    /// <summary>Selects the pictures of a set.</summary>
    /// <param name="set">The set.</param>
    /// <param name="keepEmpty">
    /// Whether to keep pictures without any object that counts, as pure background; by default they are left out.
    /// </param>
    /// <param name="limits">The limits on a picture file; null for the defaults.</param>
    /// <param name="exif">What to do with EXIF data that say that a picture is turned.</param>
    /// <exception cref="AnnotationException">No picture is left.</exception>
    public AnnotatedSetPictures(
        AnnotatedSet set, bool keepEmpty = false, PictureLimits? limits = null, ExifUse exif = ExifUse.Apply)
    {
        ArgumentNullException.ThrowIfNull(set);
        (this.set, this.limits, this.exif) = (set, limits, exif);
        pictures = [.. set.Pictures.Where(picture => keepEmpty || !picture.IsEmpty)];
        if (pictures.Count == 0)
        {
            throw new AnnotationException(
                $"There is nothing to learn from: none of the set's {set.Pictures.Count} pictures has an object that counts.");
        }
    }

    /// <inheritdoc/>
    public int Count => pictures.Count;

    /// <summary>The pictures' files.</summary>
    internal IEnumerable<string> Files => pictures.Select(set.PathOf);

    /// <inheritdoc/>
    public bool IsWide(int index) => pictures[index].Width > pictures[index].Height;

    /// <inheritdoc/>
    public long IdOf(int index) => pictures[index].Id;

    /// <inheritdoc/>
    public string NameOf(int index) => $"'{set.PathOf(pictures[index])}'";

    /// <inheritdoc/>
    public SourcePicture Read(int index, long epoch)
    {
        var picture = pictures[index];
        var image = PictureReader.Read(set.PathOf(picture), limits, exif);
        var file = new PictureFile(set.PathOf(picture), picture.Width, picture.Height);
        if (PictureCheck.WrongSize(file, (image.Width, image.Height)) is { } fault)
            throw new PictureException($"{fault}.");
        return new SourcePicture(image, picture.Objects);
    }
}
