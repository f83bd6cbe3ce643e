using System.Text.RegularExpressions;

namespace Fpn.IlGpu.Data;

/// <summary>
/// Where a VOC folder keeps its files. Besides VOC's own names (<c>JPEGImages</c>, <c>Annotations</c>, <c>ImageSets/Main</c>), those
/// that annotation tools use are understood, in any case of letters.
/// </summary>
internal sealed partial class VocLayout
{
    // Those that come first win.
    private static readonly string[] Extensions = [".jpg", ".jpeg", ".png", ".bmp", ".webp"];
    private static readonly string[] ListFolders = ["ImageSets/Main", "ImageSets", ""];

    private readonly string folder;
    private readonly Dictionary<string, string> pictures;

    private VocLayout(string folder, string pictureFolder, string annotationFolder)
    {
        this.folder = folder;
        PictureFolder = pictureFolder;
        AnnotationFolder = annotationFolder;
        pictures = Directory.EnumerateFiles(pictureFolder).Select(path => Path.GetFileName(path))
            .Where(file => RankOf(file) >= 0).OrderBy(RankOf).ThenBy(file => file, StringComparer.Ordinal)
            .DistinctBy(Path.GetFileNameWithoutExtension)
            .ToDictionary(file => Path.GetFileNameWithoutExtension(file), StringComparer.Ordinal);
    }

    public string PictureFolder { get; }

    public string AnnotationFolder { get; }

    /// <summary>Finds the folders.</summary>
    /// <exception cref="AnnotationException">A folder is missing.</exception>
    public static VocLayout Open(string folder)
    {
        if (!Directory.Exists(folder))
            throw new AnnotationException($"There is no folder '{folder}' with VOC's Annotations and JPEGImages.");
        var pictures = Child(folder, "JPEGImages", "images");
        var annotations = Child(folder, "Annotations");
        if (pictures is null && annotations is null && Directory.EnumerateFiles(folder, "*.xml").Any())
            return new VocLayout(folder, folder, folder);
        return pictures is null || annotations is null
            ? throw new AnnotationException(
                $"'{folder}' has no folder {(annotations is null ? "Annotations" : "JPEGImages (or images)")}, so it is no VOC folder.")
            : new VocLayout(folder, pictures, annotations);
    }

    /// <summary>The picture file with a name that has no extension; null if there is none.</summary>
    public string? PictureOf(string name) => pictures.GetValueOrDefault(name)
        ?? Extensions.Select(extension => name + extension).FirstOrDefault(file => File.Exists(Path.Join(PictureFolder, file)));

    /// <summary>The XML file of a picture's name.</summary>
    public string AnnotationsOf(string name) => Path.Join(AnnotationFolder, name + ".xml");

    /// <summary>The names of the pictures of a list, in its order; without a list, those of all XML files.</summary>
    /// <exception cref="AnnotationException">The list can't be read.</exception>
    public IReadOnlyList<string> Names(string? list, AnnotationProblems problems)
    {
        if (list is null)
        {
            return
            [
                .. Directory.EnumerateFiles(AnnotationFolder, "*.xml")
                    .Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal),
            ];
        }
        var path = PathOfList(list);
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
        foreach (var name in lines.Select(line => line.Trim()).Where(line => line.Length > 0).Select(NameIn))
        {
            if (known.Add(name))
                names.Add(name);
            else
                problems.Add(AnnotationProblem.DuplicateId, $"'{name}' in '{path}'");
        }
        return names;
    }

    /// <summary>A picture's name, which a file name or path contains.</summary>
    public static string NameOf(string path) => WithoutExtension(PicturePath.NameOf(path));

    // Names may have spaces, so a mark at the end is one only if no picture has that name.
    private string NameIn(string line)
    {
        string[] texts = [line, Mark().Replace(line, "")];
        return texts.SelectMany(text => new[] { text, WithoutExtension(text), NameOf(text) })
            .FirstOrDefault(name => File.Exists(AnnotationsOf(name)), NameOf(texts[1]));
    }

    private string PathOfList(string list)
    {
        var file = list.EndsWith(".txt", StringComparison.OrdinalIgnoreCase) ? list : list + ".txt";
        string[] paths = [.. ListFolders.Select(sub => Path.Combine(folder, sub, file))];
        return paths.FirstOrDefault(File.Exists, paths[0]);
    }

    private static string? Child(string folder, params string[] names) => names
        .SelectMany(name => Directory.EnumerateDirectories(folder).Order(StringComparer.Ordinal)
            .Where(child => string.Equals(Path.GetFileName(child), name, StringComparison.OrdinalIgnoreCase)))
        .FirstOrDefault();

    private static string WithoutExtension(string file)
        => RankOf(file) >= 0 || file.EndsWith(".xml", StringComparison.OrdinalIgnoreCase) ? file[..file.LastIndexOf('.')] : file;

    private static int RankOf(string file)
        => Array.FindIndex(Extensions, extension => file.EndsWith(extension, StringComparison.OrdinalIgnoreCase));

    // VOC's lists of a category say with 1, −1 or 0 whether it is in the picture.
    [GeneratedRegex(@"\s+(-1|0|1)$")]
    private static partial Regex Mark();
}
