using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Data;

/// <summary>
/// Reads annotated sets in PASCAL VOC's layout: <c>JPEGImages</c> (or <c>images</c>) with the pictures, <c>Annotations</c> with an XML
/// file for each, and lists of them in <c>ImageSets/Main</c>; or pictures and XML files in one folder. Corners are whole px, counted
/// from 1, both included:
/// <code>box = (xmin − 1, ymin − 1, xmax, ymax)</code>
/// Objects marked <c>difficult</c> are ignored: learned neither as objects nor as background. Problems with single entries
/// are described and counted in <see cref="AnnotatedSet.Problems"/>:
/// <list type="bullet">
/// <item>boxes that reach outside their picture are clipped to it,</item>
/// <item>objects whose clipped box has no area, or that lack a name or a box, are skipped,</item>
/// <item>objects of categories that were not requested are skipped,</item>
/// <item>boxes whose corners are the same px are kept, one px wide or high,</item>
/// <item>pictures without a file, or whose annotations are missing, empty or broken XML, are skipped,</item>
/// <item>pictures whose annotations lack a size have that of their file,</item>
/// <item>duplicate entries of a list are skipped.</item>
/// </list>
/// A missing folder or list, and a set without pictures or objects throw an
/// <see cref="AnnotationException"/>.
/// </summary>
public static class VocFolder
{
    /// <summary>The categories of VOC 2007 and 2012, in the usual order.</summary>
    public static IReadOnlyList<string> VocCategories { get; } =
    [
        "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog", "horse",
        "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
    ];

    /// <summary>Reads a set.</summary>
    /// <param name="folder">The folder of the set.</param>
    /// <param name="list">
    /// The name of a list in <c>ImageSets/Main</c>, such as <c>trainval</c>; null for all annotations. Its lines are names of pictures,
    /// with or without extensions and folders.
    /// </param>
    /// <param name="categories">The names of the categories, in order; null for all that occur, in alphabetical order.</param>
    /// <param name="exif">For pictures whose annotations lack a size: what to do with EXIF data that say that they are turned.</param>
    /// <exception cref="AnnotationException">The set can't be used.</exception>
    public static AnnotatedSet Read(
        string folder, string? list = null, IReadOnlyList<string>? categories = null, ExifUse exif = ExifUse.Apply)
    {
        ArgumentNullException.ThrowIfNull(folder);
        var layout = VocLayout.Open(folder);
        var problems = new AnnotationProblems();
        var files = new List<(string Picture, VocFile File)>();
        foreach (var name in layout.Names(list, problems))
        {
            problems.AddParts(AnnotationPart.Pictures, 1);
            if (Read(layout, name, exif, problems) is { } file)
                files.Add(file);
        }
        return ToSet(folder, layout.PictureFolder, files, categories, problems);
    }

    private static (string Picture, VocFile File)? Read(VocLayout layout, string name, ExifUse exif, AnnotationProblems problems)
    {
        var path = layout.AnnotationsOf(name);
        if (!File.Exists(path))
        {
            problems.Add(AnnotationProblem.EntryIncomplete, $"picture '{name}' has no '{path}'", AnnotationPart.Pictures);
            return null;
        }
        if (VocFile.Read(path, problems) is not { } file)
            return null;
        if ((layout.PictureOf(name) ?? layout.PictureOf(VocLayout.NameOf(file.FileName))) is not { } picture)
        {
            problems.Add(
                AnnotationProblem.PictureMissing, $"'{Path.Join(layout.PictureFolder, name)}.jpg'", AnnotationPart.Pictures);
            return null;
        }
        if (file.Width > 0)
            return (picture, file);
        problems.Add(AnnotationProblem.SizeMissing, $"'{path}'");
        try
        {
            var (width, height) = PictureReader.SizeOf(Path.Join(layout.PictureFolder, picture)).Of(exif);
            return (picture, file with { Width = width, Height = height });
        }
        catch (PictureException e)
        {
            problems.Add(AnnotationProblem.PictureBroken, e.Message.TrimEnd('.'), AnnotationPart.Pictures);
            return null;
        }
    }

    private static AnnotatedSet ToSet(
        string folder, string pictureFolder, List<(string Picture, VocFile File)> files, IReadOnlyList<string>? categories,
        AnnotationProblems problems)
    {
        categories ??= [.. files.SelectMany(file => file.File.Objects).Select(o => o.Name).Distinct().Order(StringComparer.Ordinal)];
        var classes = categories.Index().ToDictionary(item => item.Item, item => item.Index, StringComparer.Ordinal);
        foreach (var same in categories.GroupBy(name => name, StringComparer.OrdinalIgnoreCase).Where(same => same.Count() > 1))
            problems.Add(AnnotationProblem.NameTwice, string.Join(", ", same.Select(name => $"'{name}'")));
        var pictures = new List<AnnotatedPicture>();
        foreach (var (picture, file) in files)
        {
            var objects = file.Objects.Select(o => ToObject(o, file, classes, problems));
            pictures.Add(new AnnotatedPicture(
                pictures.Count + 1, picture, file.Width, file.Height, [.. objects.OfType<AnnotatedObject>()]));
        }
        if (pictures.All(picture => picture.Objects.Count == 0))
        {
            var what = pictures.Count == 0 ? "picture" : "object";
            var why = problems.Total == 0 ? "" : $" ({string.Join(" ", problems.Sentences()).TrimEnd('.')})";
            throw new AnnotationException($"'{folder}' has no usable {what}: it is an empty set{why}.");
        }
        return new AnnotatedSet(pictures, [.. categories.Index().Select(item => new AnnotatedCategory(item.Index + 1, item.Item))])
        {
            Folder = pictureFolder,
            Problems = problems,
            Listed = [.. pictures.Select(picture => picture.Id)],
        };
    }

    private static AnnotatedObject? ToObject(
        VocObject o, VocFile file, Dictionary<string, int> classes, AnnotationProblems problems)
    {
        if (!classes.TryGetValue(o.Name, out var index))
        {
            problems.Add(AnnotationProblem.CategoryUnknown, $"'{o.Name}' in {o.Where}", AnnotationPart.Objects);
            return null;
        }
        if (o.XMin == o.XMax || o.YMin == o.YMax)
            problems.Add(AnnotationProblem.BoxOnePixel, $"'{o.Name}' in {o.Where}");
        return AnnotatedBoxes.Clip(o.XMin - 1, o.YMin - 1, o.XMax, o.YMax, file.Width, file.Height, $"'{o.Name}' in {o.Where}", problems)
            is { } box ? new AnnotatedObject(box, index) { IsIgnored = o.IsDifficult } : null;
    }
}
