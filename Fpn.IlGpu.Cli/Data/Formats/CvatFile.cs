using System.Globalization;
using System.Xml;
using System.Xml.Linq;

using Fpn.IlGpu.Data;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Cli;

/// <summary>
/// Reads "CVAT for images 1.1": one XML file with an element for each picture, which has boxes, polygons and masks. A turned box becomes
/// the polygon of its corners. Ellipses, lines, points, skeletons and cuboids are left out, and named; tags of whole pictures are no
/// objects.
/// </summary>
internal static class CvatFile
{
    private static readonly string[] Ignored = ["tag", "attribute"];

    /// <summary>Reads a set.</summary>
    /// <param name="path">The file.</param>
    /// <param name="folder">The folder of the pictures.</param>
    /// <param name="exif">What to do with EXIF data that say that a picture is turned.</param>
    /// <exception cref="AnnotationException">The set can't be used.</exception>
    public static AnnotatedSet Read(string path, string folder, ExifUse exif)
    {
        var builder = new SetBuilder(path, folder, exif);
        var classes = new List<string>();
        var elements = Elements(path).ToList();
        if (elements.Exists(element => element.Name.LocalName == "track"))
            throw new AnnotationException($"'{path}' has tracks of a video: export it from CVAT as 'CVAT for images 1.1'.");
        foreach (var meta in elements.Where(element => element.Name.LocalName == "meta"))
            classes.AddRange(meta.Descendants("label").Select(label => label.Element("name")?.Value.Trim() ?? "").Where(name => name.Length > 0));
        classes = [.. classes.Distinct(StringComparer.Ordinal)];
        foreach (var image in elements.Where(element => element.Name.LocalName == "image"))
            ReadPicture(image, path, classes, builder);
        return builder.Build(classes);
    }

    private static void ReadPicture(XElement image, string path, List<string> classes, SetBuilder builder)
    {
        var shapes = image.Elements().Where(shape => !Ignored.Contains(shape.Name.LocalName)).ToList();
        builder.Problems.AddParts(AnnotationPart.Objects, shapes.Count);
        (int, int)? stated = Value(image, "width") is >= 1 and <= int.MaxValue and var width
            && Value(image, "height") is >= 1 and <= int.MaxValue and var height ? ((int)width, (int)height) : null;
        if (builder.Find((string?)image.Attribute("name") ?? "", stated) is not { } found)
            return;
        var objects = new List<AnnotatedObject>();
        foreach (var shape in shapes)
        {
            var where = string.Create(CultureInfo.InvariantCulture, $"'{path}', line {((IXmlLineInfo)shape).LineNumber}");
            if (ToObject(shape, found.Width, found.Height, classes, where, builder.Problems) is { } read)
                objects.Add(read);
        }
        builder.Add(found.Name, found.Width, found.Height, objects);
    }

    private static AnnotatedObject? ToObject(
        XElement shape, int width, int height, List<string> classes, string where, AnnotationProblems problems)
    {
        var kind = shape.Name.LocalName;
        if (kind is not ("box" or "polygon" or "mask"))
        {
            problems.Add(AnnotationProblem.ShapeUnknown, $"{where}: {kind}", AnnotationPart.Objects);
            return null;
        }
        var name = ((string?)shape.Attribute("label") ?? "").Trim();
        if (name.Length > 0 && !classes.Contains(name))
            classes.Add(name);
        var label = classes.IndexOf(name);
        var polygon = kind == "polygon" ? Points(shape)
            : kind == "box" && Value(shape, "rotation") is { } turn && turn != 0 ? Turned(shape, turn)
            : null;
        if (label >= 0 && polygon is not null)
            return PolygonObject.Of([polygon], label, width, height, where, problems);
        if (label >= 0 && kind == "mask" && Mask(shape, width, height) is { } mask)
        {
            problems.AddParts(AnnotationPart.Masks, 1);
            var bounds = MaskOverlap.Bounds(mask);
            return PolygonObject.WithMask(new Box(bounds.Left, bounds.Top, bounds.Right, bounds.Bottom), label, mask);
        }
        if (label >= 0 && kind == "box" && Corners(shape) is [var x1, var y1, var x2, var y2])
        {
            return AnnotatedBoxes.Clip(x1, y1, x2, y2, width, height, where, problems) is { } box ? new AnnotatedObject(box, label) : null;
        }
        problems.Add(AnnotationProblem.EntryIncomplete, $"{where}: the {kind} has no label, or its numbers are broken", AnnotationPart.Objects);
        return null;
    }

    private static double[]? Corners(XElement box)
    {
        double?[] corners = [Value(box, "xtl"), Value(box, "ytl"), Value(box, "xbr"), Value(box, "ybr")];
        return corners.Contains(null) ? null : [.. corners.Select(corner => corner!.Value)];
    }

    // Clockwise, in degrees, around the box's centre.
    private static double[]? Turned(XElement box, double degrees)
    {
        if (Corners(box) is not [var x1, var y1, var x2, var y2])
            return null;
        var (sin, cos) = Math.SinCos(degrees * Math.PI / 180);
        var (centreX, centreY, w, h) = ((x1 + x2) / 2, (y1 + y2) / 2, (x2 - x1) / 2, (y2 - y1) / 2);
        (double X, double Y)[] corners = [(-w, -h), (w, -h), (w, h), (-w, h)];
        return [.. corners.SelectMany(c => new[] { centreX + c.X * cos - c.Y * sin, centreY + c.X * sin + c.Y * cos })];
    }

    private static double[]? Points(XElement polygon)
    {
        var texts = ((string?)polygon.Attribute("points") ?? "")
            .Split([';', ','], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        double?[] numbers = [.. texts.Select(SetBuilder.Number)];
        return numbers.Length < 6 || numbers.Length % 2 == 1 || numbers.Contains(null) ? null : [.. numbers.Select(number => number!.Value)];
    }

    // Run lengths within a box, row by row, outside first.
    private static ObjectMask? Mask(XElement shape, int width, int height)
    {
        double?[] place = [Value(shape, "left"), Value(shape, "top"), Value(shape, "width"), Value(shape, "height")];
        double?[] runs = [.. ((string?)shape.Attribute("rle") ?? "").Split(',', StringSplitOptions.TrimEntries).Select(SetBuilder.Number)];
        if (place.Concat(runs).Any(number => number is not (>= 0 and <= int.MaxValue)))
            return null;
        var (left, top, w, h) = ((int)place[0]!, (int)place[1]!, (int)place[2]!, (int)place[3]!);
        if (w == 0 || h == 0 || (long)left + w > width || (long)top + h > height || runs.Sum(run => (long)run!.Value) != (long)w * h)
            return null;
        var pixels = new byte[width * height];
        var at = 0;
        foreach (var (index, run) in runs.Index())
        {
            for (var end = at + (int)run!.Value; at < end; at++)
                pixels[(top + at / w) * width + left + at % w] = (byte)(index % 2);
        }
        var mask = ObjectMask.FromPixels(pixels, width, height);
        return mask.Area > 0 ? mask : null;
    }

    private static double? Value(XElement element, string name) => SetBuilder.Number((string?)element.Attribute(name));

    private static IEnumerable<XElement> Elements(string path)
    {
        // Nothing outside the file is ever fetched, and DTDs are ignored.
        var settings = new XmlReaderSettings { DtdProcessing = DtdProcessing.Ignore, XmlResolver = null };
        try
        {
            using var stream = File.OpenRead(path);
            VocFile.CheckDepth(path, stream, settings);
            stream.Position = 0;
            using var reader = XmlReader.Create(stream, settings);
            reader.MoveToContent();
            if (reader.LocalName != "annotations")
                throw new AnnotationException($"'{path}' is not CVAT's: its outermost element is '{reader.LocalName}', not 'annotations'.");
            return [.. XDocument.Load(reader, LoadOptions.SetLineInfo).Root!.Elements()];
        }
        catch (XmlException exception)
        {
            throw new AnnotationException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"'{path}' is broken XML at line {exception.LineNumber}, column {exception.LinePosition}: {exception.Message.TrimEnd('.')}."),
                exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new AnnotationException($"'{path}' can't be read ({exception.Message.TrimEnd('.')}).", exception);
        }
    }
}
