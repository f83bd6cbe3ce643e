using System.Globalization;
using System.Xml;
using System.Xml.Linq;

namespace Fpn.IlGpu.Data;

/// <summary>An object in a VOC XML file; corners count from 1.</summary>
internal sealed record VocObject(string Name, double XMin, double YMin, double XMax, double YMax, bool IsDifficult, string Where);

/// <summary>The VOC XML file of one picture.</summary>
/// <param name="FileName">The picture's file name or path as the annotation tool saw it; empty if it is not stated.</param>
/// <param name="Width">The picture's width in px; 0 if it is not stated.</param>
/// <param name="Height">The picture's height in px; 0 if it is not stated.</param>
/// <param name="Objects">The objects that have a name and a box.</param>
internal sealed record VocFile(string FileName, int Width, int Height, IReadOnlyList<VocObject> Objects)
{
    // A real file has a few levels and kilobytes. A tree of a million levels, which takes the parser minutes, must not be built.
    private const int DeepestElement = 32;
    private const int MostCharacters = 16 << 20;

    /// <summary>Reads a file; reports it and returns null if it can't be read.</summary>
    public static VocFile? Read(string path, AnnotationProblems problems)
    {
        if (Load(path, problems) is not { } root)
            return null;
        var objects = new List<VocObject>();
        problems.AddParts(AnnotationPart.Objects, root.Elements("object").Count());
        foreach (var element in root.Elements("object"))
        {
            var where = $"'{path}', line {((IXmlLineInfo)element).LineNumber}";
            if (ToObject(element, where) is { } o)
                objects.Add(o);
            else
                problems.Add(AnnotationProblem.EntryIncomplete, $"{where}: the object has no name or box", AnnotationPart.Objects);
        }
        var (width, height) = (Side(root.Element("size"), "width"), Side(root.Element("size"), "height"));
        var name = root.Element("filename")?.Value.Trim() ?? "";
        return width == 0 || height == 0 ? new VocFile(name, 0, 0, objects) : new VocFile(name, width, height, objects);
    }

    private static VocObject? ToObject(XElement element, string where)
    {
        var box = element.Element("bndbox");
        var name = element.Element("name")?.Value.Trim() ?? "";
        return name.Length > 0 && Number(box, "xmin") is { } xMin && Number(box, "ymin") is { } yMin
            && Number(box, "xmax") is { } xMax && Number(box, "ymax") is { } yMax
            ? new VocObject(name, xMin, yMin, xMax, yMax, Number(element, "difficult") is { } difficult && difficult != 0, where)
            : null;
    }

    private static int Side(XElement? size, string name) => Number(size, name) is >= 1 and <= int.MaxValue and var side ? (int)side : 0;

    // Some tools write whole px as 12.0.
    private static double? Number(XElement? parent, string name)
        => double.TryParse(parent?.Element(name)?.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
            && double.IsFinite(value) ? value : null;

    private static XElement? Load(string path, AnnotationProblems problems)
    {
        // Nothing outside the file is ever fetched, and DTDs are ignored.
        var settings = new XmlReaderSettings
        {
            DtdProcessing = DtdProcessing.Ignore,
            XmlResolver = null,
            MaxCharactersInDocument = MostCharacters,
        };
        string what;
        try
        {
            using var stream = File.OpenRead(path);
            if (stream.Length > 0)
            {
                CheckDepth(path, stream, settings);
                stream.Position = 0;
                using var reader = XmlReader.Create(stream, settings);
                return XDocument.Load(reader, LoadOptions.SetLineInfo).Root!;
            }
            what = "is empty";
        }
        catch (XmlException e)
        {
            what = $"is broken XML at line {e.LineNumber}, column {e.LinePosition}: {e.Message.TrimEnd('.')}";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            what = $"can't be read: {e.Message.TrimEnd('.')}";
        }
        problems.Add(AnnotationProblem.FileBroken, $"'{path}' {what}", AnnotationPart.Pictures);
        return null;
    }

    /// <summary>Refuses XML whose tree would take endless time to build.</summary>
    /// <exception cref="AnnotationException">Elements are nested too deep.</exception>
    internal static void CheckDepth(string path, Stream stream, XmlReaderSettings settings)
    {
        using var tokens = XmlReader.Create(stream, settings);
        while (tokens.Read())
        {
            if (tokens.NodeType == XmlNodeType.Element && tokens.Depth >= DeepestElement)
                throw new AnnotationException($"'{path}' nests elements more than {DeepestElement} deep; it is no file of annotations.");
        }
    }
}
