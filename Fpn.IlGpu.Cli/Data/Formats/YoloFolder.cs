using System.Globalization;

using Fpn.IlGpu.Data;
using Fpn.IlGpu.Imaging;

using YamlDotNet.Core;
using YamlDotNet.Serialization;

namespace Fpn.IlGpu.Cli;

/// <summary>
/// Reads YOLO's annotations: a text file for each picture, with a line for each object, in shares of the picture's width and height:
/// <code>class x-centre y-centre width height      or      class x1 y1 x2 y2 x3 y3 …</code>
/// The latter is a polygon. The text file of <c>…/images/NAME.jpg</c> is <c>…/labels/NAME.txt</c>, or else lies beside the picture. A
/// picture without one has no objects. Pictures and names are those of a <c>data.yaml</c>, as Ultralytics has it; or the pictures
/// below a folder, with names in <c>classes.txt</c> or <c>obj.names</c>.
/// </summary>
internal sealed class YoloFolder
{
    private static readonly string[] Lists = ["classes.txt", "labels/classes.txt", "obj.names", "names.txt"];
    private static readonly string[] Splits = ["train", "val", "valid", "test"];
    private static readonly EnumerationOptions Recursive = new() { RecurseSubdirectories = true, IgnoreInaccessible = true };

    private readonly string source;
    private readonly List<string> inputs = [];

    private YoloFolder(string source) => this.source = source;

    /// <summary>The file that describes a folder's set; null if it has none.</summary>
    public static string? DescriptionIn(string folder)
    {
        var yaml = Directory.EnumerateFiles(folder).Where(IsYaml).Order(StringComparer.Ordinal)
            .OrderBy(file => Path.GetFileName(file) == "data.yaml" ? 0 : 1).FirstOrDefault();
        return yaml ?? Lists.Select(list => Path.Join(folder, list)).FirstOrDefault(File.Exists);
    }

    /// <summary>Whether a file has the ending of YAML.</summary>
    public static bool IsYaml(string path) => Path.GetExtension(path).ToLowerInvariant() is ".yaml" or ".yml";

    /// <summary>Reads a set.</summary>
    /// <param name="path">The folder, or its data.yaml.</param>
    /// <param name="split">One of the lists of data.yaml, such as val; null for all of them.</param>
    /// <param name="exif">What to do with EXIF data that say that a picture is turned.</param>
    /// <param name="inputs">The files that were read.</param>
    /// <exception cref="AnnotationException">The set can't be used.</exception>
    public static AnnotatedSet Read(string path, string? split, ExifUse exif, out IReadOnlyList<string> inputs)
    {
        var yolo = new YoloFolder(path);
        var description = Directory.Exists(path) ? DescriptionIn(path) : path;
        if (description is null)
            throw new AnnotationException($"'{path}' has neither data.yaml nor a list of classes ({string.Join(", ", Lists)}).");
        yolo.inputs.Add(description);
        var (classes, pictures) = IsYaml(description) ? yolo.Described(description, split) : Listed(path, description, split);
        var set = yolo.Read(classes, pictures, exif);
        inputs = yolo.inputs;
        return set;
    }

    private AnnotatedSet Read(IReadOnlyList<string> classes, IReadOnlyList<string> pictures, ExifUse exif)
    {
        var folder = CommonFolder(pictures);
        var builder = new SetBuilder(source, folder, exif);
        foreach (var picture in pictures)
        {
            if (builder.Find(Path.GetRelativePath(folder, picture)) is not { } found)
                continue;
            var labels = LabelsOf(picture);
            if (labels is null)
                builder.Problems.Add(AnnotationProblem.LabelsMissing, $"'{picture}'");
            builder.Add(found.Name, found.Width, found.Height, labels is null ? [] : Objects(labels, found.Width, found.Height, classes, builder));
        }
        return builder.Build(classes);
    }

    private List<AnnotatedObject> Objects(string path, int width, int height, IReadOnlyList<string> classes, SetBuilder builder)
    {
        inputs.Add(path);
        var objects = new List<AnnotatedObject>();
        var known = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (index, line) in Lines(path).Index())
        {
            var parts = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (parts.Length == 0)
                continue;
            builder.Problems.AddParts(AnnotationPart.Objects, 1);
            var where = string.Create(CultureInfo.InvariantCulture, $"'{path}', line {index + 1}");
            double?[] numbers = [.. parts.Select(SetBuilder.Number)];
            if (numbers.Contains(null) || (numbers.Length != 5 && (numbers.Length < 7 || numbers.Length % 2 == 0)))
                builder.Problems.Add(AnnotationProblem.EntryIncomplete, $"{where} is neither a box nor a polygon", AnnotationPart.Objects);
            else if (!(numbers[0] >= 0 && numbers[0] < classes.Count && Math.Floor(numbers[0]!.Value) == numbers[0]))
                builder.Problems.Add(AnnotationProblem.CategoryUnknown, $"class {parts[0]} in {where}", AnnotationPart.Objects);
            else if (!known.TryAdd(string.Join(' ', parts), index))
                builder.Problems.Add(AnnotationProblem.ObjectTwice, where, AnnotationPart.Objects);
            else if (ToObject([.. numbers.Select(number => number!.Value)], width, height, where, builder.Problems) is { } found)
                objects.Add(found);
        }
        return objects;
    }

    private static AnnotatedObject? ToObject(double[] numbers, int width, int height, string where, AnnotationProblems problems)
    {
        var label = (int)numbers[0];
        if (numbers.Length == 5)
        {
            var (x, y, w, h) = (numbers[1] * width, numbers[2] * height, numbers[3] * width, numbers[4] * height);
            return AnnotatedBoxes.Clip(x - w / 2, y - h / 2, x + w / 2, y + h / 2, width, height, where, problems) is { } box
                ? new AnnotatedObject(box, label)
                : null;
        }
        double[] corners = [.. numbers.Skip(1).Select((share, i) => share * (i % 2 == 0 ? width : height))];
        return PolygonObject.Of([corners], label, width, height, where, problems);
    }

    private static (IReadOnlyList<string> Classes, IReadOnlyList<string> Pictures) Listed(string folder, string list, string? split)
    {
        if (split is not null)
            throw new CommandException($"'{folder}' has no data.yaml, and so no list '{split}': leave out --split.");
        var below = Directory.Exists(Path.Join(folder, "images")) ? Path.Join(folder, "images") : folder;
        return ([.. Lines(list).Select(line => line.Trim()).Where(line => line.Length > 0)], PicturesIn(below));
    }

    private (IReadOnlyList<string> Classes, IReadOnlyList<string> Pictures) Described(string path, string? split)
    {
        var yaml = Parse(path);
        IReadOnlyList<string> classes = yaml.GetValueOrDefault("names") switch
        {
            IEnumerable<object> list => [.. list.Select(Text)],
            IDictionary<object, object> map when ByNumber(map) is { } names => names,
            _ => throw new AnnotationException($"'{path}' has no 'names', the list of classes."),
        };
        var own = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var root = yaml.GetValueOrDefault("path") is string stated && Directory.Exists(Path.Combine(own, stated)) ? Path.Combine(own, stated) : own;
        string[] there = [.. Splits.Where(name => yaml.GetValueOrDefault(name) is not null)];
        if (split is not null && !there.Contains(split))
            throw new AnnotationException($"'{path}' has no list '{split}'; it has {(there.Length == 0 ? "none" : string.Join(", ", there))}.");
        var places = there.Where(name => split is null || name == split)
            .SelectMany(name => yaml[name] is IEnumerable<object> several ? several.Select(Text) : [Text(yaml[name])]);
        return (classes, [.. places.SelectMany(place => PicturesAt(root, place)).DistinctBy(Path.GetFullPath)]);
    }

    private static Dictionary<string, object> Parse(string path)
    {
        try
        {
            return new DeserializerBuilder().Build().Deserialize<Dictionary<string, object>>(string.Join('\n', Lines(path))) ?? [];
        }
        catch (YamlException exception)
        {
            throw new AnnotationException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"'{path}' is broken YAML at line {exception.Start.Line}, column {exception.Start.Column} ({exception.Message.TrimEnd('.')})."),
                exception);
        }
    }

    // Keys are the classes' numbers, from 0 without gaps.
    private static string[]? ByNumber(IDictionary<object, object> map)
    {
        var names = map.ToDictionary(pair => Text(pair.Key), pair => Text(pair.Value), StringComparer.Ordinal);
        string?[] inOrder = [.. Enumerable.Range(0, names.Count).Select(i => names.GetValueOrDefault(i.ToString(CultureInfo.InvariantCulture)))];
        return inOrder.Contains(null) ? null : [.. inOrder.Select(name => name!)];
    }

    private IEnumerable<string> PicturesAt(string root, string place)
    {
        var path = Path.Combine(root, place);
        // Some tools write "../train/images" for a folder beside the file.
        while (!Path.Exists(path) && place.StartsWith("../", StringComparison.Ordinal))
            path = Path.Combine(root, place = place[3..]);
        if (Directory.Exists(path))
            return PicturesIn(path);
        if (!File.Exists(path))
            throw new AnnotationException($"'{source}' names '{place}', but there is no such folder or list.");
        inputs.Add(path);
        return Lines(path).Select(line => line.Trim()).Where(line => line.Length > 0)
            .Select(line => line.StartsWith("./", StringComparison.Ordinal)
                ? Path.Combine(Path.GetDirectoryName(path)!, line[2..])
                : Path.Combine(root, line));
    }

    private static IReadOnlyList<string> PicturesIn(string folder)
        => [.. Directory.EnumerateFiles(folder, "*", Recursive).Where(InputPictures.IsPicture).Order(StringComparer.Ordinal)];

    private static string? LabelsOf(string picture)
    {
        var beside = Path.ChangeExtension(picture, ".txt");
        var path = beside.Replace('\\', '/');
        const string images = "/images/";
        var at = path.LastIndexOf(images, StringComparison.Ordinal);
        string[] places = at < 0 ? [beside] : [$"{path[..at]}/labels/{path[(at + images.Length)..]}", beside];
        return places.FirstOrDefault(File.Exists);
    }

    // Names in the file are then as short as they can be.
    private static string CommonFolder(IReadOnlyList<string> pictures)
    {
        if (pictures.Count == 0)
            return ".";
        var folder = Path.GetDirectoryName(pictures[0])!;
        while (folder.Length > 1 && !pictures.All(picture => picture.StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal)))
            folder = Path.GetDirectoryName(folder) ?? "";
        return folder.Length == 0 ? "." : folder;
    }

    private static string Text(object value) => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";

    private static string[] Lines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new AnnotationException($"'{path}' can't be read ({exception.Message.TrimEnd('.')}).", exception);
        }
    }
}
