using System.Globalization;
using System.Xml;
using System.Xml.Linq;

namespace Fpn.IlGpu.Data;

/// <summary>An object in a VOC XML file; corners count from 1.</summary>
internal sealed record VocObject(string Name, double XMin, double YMin, double XMax, double YMax, bool IsDifficult, string Where);

/// <summary>The VOC XML file of one picture.</summary>
internal sealed record VocFile(string Picture, int Width, int Height, IReadOnlyList<VocObject> Objects)
{
    /// <summary>Reads a file; reports it and returns null if it lacks the picture's size.</summary>
    /// <exception cref="AnnotationException">The file can't be read, or is broken XML.</exception>
    public static VocFile? Read(string path, string picture, AnnotationProblems problems)
    {
        var root = Load(path);
        if (Number(root.Element("size"), "width") is not (>= 1 and <= int.MaxValue and var width)
            || Number(root.Element("size"), "height") is not (>= 1 and <= int.MaxValue and var height))
        {
            problems.Add(AnnotationProblem.EntryIncomplete, $"'{path}' does not state its picture's size", AnnotationPart.Pictures);
            return null;
        }
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
        return new VocFile(picture, (int)width, (int)height, objects);
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

    // Some tools write whole px as 12.0.
    private static double? Number(XElement? parent, string name)
        => double.TryParse(parent?.Element(name)?.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
            && double.IsFinite(value) ? value : null;

    // A real file has a few levels and kilobytes. A tree of a million levels, which takes the parser minutes, must not be built.
    private const int DeepestElement = 32;
    private const int MostCharacters = 16 << 20;

    private static XElement Load(string path)
    {
        // Nothing outside the file is ever fetched, and DTDs are ignored.
        var settings = new XmlReaderSettings
        {
            DtdProcessing = DtdProcessing.Ignore,
            XmlResolver = null,
            MaxCharactersInDocument = MostCharacters,
        };
        try
        {
            using var stream = File.OpenRead(path);
            using (var tokens = XmlReader.Create(stream, settings))
            {
                while (tokens.Read())
                {
                    if (tokens.NodeType == XmlNodeType.Element && tokens.Depth >= DeepestElement)
                        throw new AnnotationException($"'{path}' nests elements more than {DeepestElement} deep; it is no file of annotations.");
                }
            }
            stream.Position = 0;
            using var reader = XmlReader.Create(stream, settings);
            return XDocument.Load(reader, LoadOptions.SetLineInfo).Root!;
        }
        catch (XmlException e)
        {
            throw new AnnotationException(
                $"'{path}' is broken XML at line {e.LineNumber}, column {e.LinePosition}: {e.Message.TrimEnd('.')}.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AnnotationException($"'{path}' can't be read: {e.Message.TrimEnd('.')}.", e);
        }
    }
}
