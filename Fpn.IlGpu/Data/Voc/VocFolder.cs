namespace Fpn.IlGpu.Data;

/// <summary>
/// Reads annotated sets in PASCAL VOC's layout: <c>JPEGImages</c> with the pictures, <c>Annotations</c> with an XML file
/// for each, and lists of them in <c>ImageSets/Main</c>. Corners are whole px, counted from 1, both included:
/// <code>box = (xmin − 1, ymin − 1, xmax, ymax)</code>
/// Objects marked <c>difficult</c> are ignored: learned neither as objects nor as background. Problems with single entries
/// are described and counted in <see cref="AnnotatedSet.Problems"/>:
/// <list type="bullet">
/// <item>boxes that reach outside their picture are clipped to it,</item>
/// <item>objects whose clipped box has no area, or that lack a name or a box, are skipped,</item>
/// <item>objects of categories that were not requested are skipped,</item>
/// <item>pictures without a file, without annotations, or whose annotations lack a size are skipped,</item>
/// <item>duplicate entries of a list are skipped.</item>
/// </list>
/// Broken XML (with line and column), a missing folder or list, and a set without pictures or objects throw an
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

    private static readonly string[] PictureExtensions = [".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG"];

    /// <summary>Reads a set.</summary>
    /// <param name="folder">The folder with <c>JPEGImages</c> and <c>Annotations</c>.</param>
    /// <param name="list">
    /// The name of a list in <c>ImageSets/Main</c>, without .txt, such as <c>trainval</c>; null for all annotations.
    /// </param>
    /// <param name="categories">The names of the categories, in order; null for all that occur, in alphabetical order.</param>
    /// <exception cref="AnnotationException">The set can't be used.</exception>
    public static AnnotatedSet Read(string folder, string? list = null, IReadOnlyList<string>? categories = null)
    {
        ArgumentNullException.ThrowIfNull(folder);
        var annotations = Path.Join(folder, "Annotations");
        var pictureFolder = Path.Join(folder, "JPEGImages");
        foreach (var needed in new[] { annotations, pictureFolder })
        {
            if (!Directory.Exists(needed))
                throw new AnnotationException($"There is no folder '{needed}'; a VOC folder has Annotations and JPEGImages.");
        }
        var problems = new AnnotationProblems();
        var files = new List<VocFile>();
        foreach (var name in Names(folder, annotations, list, problems))
        {
            problems.AddParts(AnnotationPart.Pictures, 1);
            if (PictureOf(pictureFolder, name) is not { } picture)
            {
                problems.Add(AnnotationProblem.PictureMissing, $"'{Path.Join(pictureFolder, name)}.jpg'", AnnotationPart.Pictures);
                continue;
            }
            var path = Path.Join(annotations, name + ".xml");
            if (!File.Exists(path))
            {
                problems.Add(AnnotationProblem.EntryIncomplete, $"picture '{name}' has no '{path}'", AnnotationPart.Pictures);
                continue;
            }
            if (VocFile.Read(path, picture, problems) is { } file)
                files.Add(file);
        }
        return ToSet(folder, pictureFolder, files, categories, problems);
    }

    private static AnnotatedSet ToSet(
        string folder, string pictureFolder, List<VocFile> files, IReadOnlyList<string>? categories, AnnotationProblems problems)
    {
        categories ??= [.. files.SelectMany(file => file.Objects).Select(o => o.Name).Distinct().Order(StringComparer.Ordinal)];
        var classes = categories.Index().ToDictionary(item => item.Item, item => item.Index, StringComparer.Ordinal);
        foreach (var same in categories.GroupBy(name => name, StringComparer.OrdinalIgnoreCase).Where(same => same.Count() > 1))
            problems.Add(AnnotationProblem.NameTwice, string.Join(", ", same.Select(name => $"'{name}'")));
        var pictures = new List<AnnotatedPicture>();
        foreach (var file in files)
        {
            var objects = file.Objects.Select(o => ToObject(o, file, classes, problems));
            pictures.Add(new AnnotatedPicture(
                pictures.Count + 1, file.Picture, file.Width, file.Height, [.. objects.OfType<AnnotatedObject>()]));
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
        return AnnotatedBoxes.Clip(o.XMin - 1, o.YMin - 1, o.XMax, o.YMax, file.Width, file.Height, $"'{o.Name}' in {o.Where}", problems)
            is { } box ? new AnnotatedObject(box, index) { IsIgnored = o.IsDifficult } : null;
    }

    // A line may continue with 1, −1 or 0, which says whether the picture has the list's category.
    private static List<string> Names(string folder, string annotations, string? list, AnnotationProblems problems)
    {
        if (list is null)
        {
            return
            [
                .. Directory.EnumerateFiles(annotations, "*.xml")
                    .Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal),
            ];
        }
        var path = Path.Join(folder, "ImageSets", "Main", list + ".txt");
        string[] lines;
        try
        {
            lines = File.ReadAllLines(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AnnotationException($"The list '{path}' can't be read: {e.Message.TrimEnd('.')}.", e);
        }
        var names = new List<string>();
        var known = new HashSet<string>(StringComparer.Ordinal);
        foreach (var words in lines.Select(line => line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)))
        {
            if (words.Length == 0)
                continue;
            if (known.Add(words[0]))
                names.Add(words[0]);
            else
                problems.Add(AnnotationProblem.DuplicateId, $"'{words[0]}' in '{path}'");
        }
        return names;
    }

    private static string? PictureOf(string folder, string name)
        => PictureExtensions.Select(extension => name + extension).FirstOrDefault(file => File.Exists(Path.Join(folder, file)));
}
