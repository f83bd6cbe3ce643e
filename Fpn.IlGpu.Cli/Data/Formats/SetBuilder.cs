using System.Globalization;

using Fpn.IlGpu.Data;
using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Cli;

/// <summary>Collects the pictures of a set as a format's reader finds them.</summary>
/// <param name="source">The file or folder of the annotations, for messages.</param>
/// <param name="folder">The folder of the pictures.</param>
/// <param name="exif">What to do with EXIF data that say that a picture is turned.</param>
internal sealed class SetBuilder(string source, string folder, ExifUse exif)
{
    private readonly List<AnnotatedPicture> pictures = [];

    /// <summary>What is left out or corrected.</summary>
    public AnnotationProblems Problems { get; } = new();

    /// <summary>The files that were read, besides the pictures.</summary>
    public List<string> Inputs { get; } = [];

    /// <summary>Finds a picture's file and its size, and counts the picture; null if it can't be used, which is reported.</summary>
    /// <param name="name">The path, relative to the pictures' folder, as the annotations have it.</param>
    /// <param name="stated">The size that the annotations state; null for none.</param>
    public (string Name, int Width, int Height)? Find(string name, (int Width, int Height)? stated = null)
    {
        Problems.AddParts(AnnotationPart.Pictures, 1);
        var found = PicturePath.Find(folder, name);
        var path = Path.Join(folder, found);
        if (!File.Exists(path))
        {
            Problems.Add(AnnotationProblem.PictureMissing, $"'{path}'", AnnotationPart.Pictures);
            return null;
        }
        try
        {
            var size = PictureReader.SizeOf(path).Of(exif);
            if (stated is { } other && PictureCheck.WrongSize(new PictureFile(path, other.Width, other.Height), size) is { } fault)
            {
                Problems.Add(AnnotationProblem.PictureBroken, fault, AnnotationPart.Pictures);
                return null;
            }
            return (found, size.Width, size.Height);
        }
        catch (PictureException exception)
        {
            Problems.Add(AnnotationProblem.PictureBroken, exception.Message.TrimEnd('.'), AnnotationPart.Pictures);
            return null;
        }
    }

    /// <summary>Adds a picture.</summary>
    public void Add(string name, int width, int height, IReadOnlyList<AnnotatedObject> objects)
        => pictures.Add(new AnnotatedPicture(pictures.Count + 1, name.Replace('\\', '/'), width, height, objects));

    /// <summary>The set of all pictures.</summary>
    /// <param name="classes">The class names, by class index.</param>
    /// <exception cref="AnnotationException">There is no picture or no object.</exception>
    public AnnotatedSet Build(IReadOnlyList<string> classes)
    {
        foreach (var same in classes.GroupBy(name => name, StringComparer.OrdinalIgnoreCase).Where(same => same.Count() > 1))
            Problems.Add(AnnotationProblem.NameTwice, string.Join(", ", same.Select(name => $"'{name}'")));
        if (pictures.All(picture => picture.Objects.Count == 0))
        {
            var why = Problems.Total == 0 ? "" : $" ({string.Join(" ", Problems.Sentences()).TrimEnd('.')})";
            throw new AnnotationException($"'{source}' has no usable {(pictures.Count == 0 ? "picture" : "object")}{why}.");
        }
        return new AnnotatedSet(pictures, [.. classes.Index().Select(item => new AnnotatedCategory(item.Index + 1, item.Item))])
        {
            Folder = folder,
            Problems = Problems,
        };
    }

    /// <summary>Reads a number as programs write it, whatever the language of the system.</summary>
    public static double? Number(string? text)
        => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value) ? value : null;
}
