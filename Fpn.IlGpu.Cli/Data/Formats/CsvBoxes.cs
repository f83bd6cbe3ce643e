using System.Globalization;

using CsvHelper;
using CsvHelper.Configuration;

using Fpn.IlGpu.Data;
using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Cli;

/// <summary>
/// Reads a table of boxes, one a row: <c>image,xmin,ymin,xmax,ymax,class</c>, in px, from the upper left corner of the picture at 0.
/// A header names the columns, in any order; without one, they are in this order. Further columns are skipped, but <c>width</c> and
/// <c>height</c> are compared with the picture's. A row with nothing but a picture says that it has no objects. Commas, semicolons and
/// tabs separate.
/// </summary>
internal static class CsvBoxes
{
    private static readonly string[][] Columns =
    [
        ["image", "filename", "file_name", "file", "path", "image_path", "imagepath", "image_id", "imageid", "img"],
        ["xmin", "x_min", "x1", "left"], ["ymin", "y_min", "y1", "top"],
        ["xmax", "x_max", "x2", "right"], ["ymax", "y_max", "y2", "bottom"],
        ["class", "label", "name", "category", "class_name", "classname"],
        ["width", "image_width"], ["height", "image_height"],
    ];

    private const int Needed = 6;

    /// <summary>Reads a set.</summary>
    /// <param name="path">The file.</param>
    /// <param name="folder">The folder of the pictures.</param>
    /// <param name="exif">What to do with EXIF data that say that a picture is turned.</param>
    /// <exception cref="AnnotationException">The set can't be used.</exception>
    public static AnnotatedSet Read(string path, string folder, ExifUse exif)
    {
        var builder = new SetBuilder(path, folder, exif);
        var rows = Rows(path).Where(row => row.Cells.Any(cell => cell.Length > 0)).ToList();
        if (rows.Count == 0)
            throw new AnnotationException($"'{path}' is empty.");
        var places = Places(rows[0].Cells, path, out var hasHeader);
        var boxes = rows.Skip(hasHeader ? 1 : 0).GroupBy(row => Cell(row.Cells, places[0]), StringComparer.Ordinal).ToList();
        string[] classes = [.. boxes.SelectMany(own => own).Select(row => Cell(row.Cells, places[5])).Where(name => name.Length > 0)
            .Distinct().Order(StringComparer.Ordinal)];
        var indices = classes.Index().ToDictionary(item => item.Item, item => item.Index, StringComparer.Ordinal);
        foreach (var own in boxes)
        {
            var objects = own.Where(row => places[1..Needed].Any(place => Cell(row.Cells, place).Length > 0)).ToList();
            builder.Problems.AddParts(AnnotationPart.Objects, objects.Count);
            if (builder.Find(own.Key, SizeIn(own.First().Cells, places)) is { } found)
            {
                var read = objects.Select(row => ToObject(row, places, indices, path, found.Width, found.Height, builder.Problems));
                builder.Add(found.Name, found.Width, found.Height, [.. read.OfType<AnnotatedObject>()]);
            }
        }
        return builder.Build(classes);
    }

    private static AnnotatedObject? ToObject(
        Row row, int[] places, Dictionary<string, int> classes, string path, int width, int height, AnnotationProblems problems)
    {
        var where = string.Create(CultureInfo.InvariantCulture, $"'{path}', line {row.Line}");
        double?[] box = [.. places[1..5].Select(place => SetBuilder.Number(Cell(row.Cells, place)))];
        if (box.Contains(null) || !classes.TryGetValue(Cell(row.Cells, places[5]), out var label))
        {
            problems.Add(AnnotationProblem.EntryIncomplete, $"{where} has no box of four numbers with a class", AnnotationPart.Objects);
            return null;
        }
        return AnnotatedBoxes.Clip(box[0]!.Value, box[1]!.Value, box[2]!.Value, box[3]!.Value, width, height, where, problems) is { } clipped
            ? new AnnotatedObject(clipped, label)
            : null;
    }

    private static (int Width, int Height)? SizeIn(string[] row, int[] places)
        => SetBuilder.Number(Cell(row, places[6])) is >= 1 and <= int.MaxValue and var width
            && SetBuilder.Number(Cell(row, places[7])) is >= 1 and <= int.MaxValue and var height ? ((int)width, (int)height) : null;

    // The place of each column in a row; −1 where it is missing.
    private static int[] Places(string[] first, string path, out bool hasHeader)
    {
        int[] places = [.. Columns.Select(names => Array.FindIndex(first, cell => names.Contains(cell.ToLowerInvariant())))];
        hasHeader = places[1..5].Any(place => place >= 0);
        if (hasHeader)
        {
            var missing = Array.FindIndex(places, 0, Needed, place => place < 0);
            return missing < 0 ? places : throw new AnnotationException(
                $"The header of '{path}' has no column for '{Columns[missing][0]}' ({string.Join(", ", Columns[missing])}).");
        }
        var isBox = first.Length >= Needed
            && (first[1..5].All(cell => SetBuilder.Number(cell) is not null) || first[1..Needed].All(cell => cell.Length == 0));
        return isBox ? [0, 1, 2, 3, 4, 5, -1, -1] : throw new AnnotationException(
            $"The first line of '{path}' is neither a header with columns such as image, xmin, ymin, xmax, ymax and class, "
            + "nor such a row itself.");
    }

    private static string Cell(string[] row, int place) => place >= 0 && place < row.Length ? row[place] : "";

    private static List<Row> Rows(string path)
    {
        var settings = new CsvConfiguration(CultureInfo.InvariantCulture)
        {
            DetectDelimiter = true,
            DetectDelimiterValues = [",", ";", "\t"],
            HasHeaderRecord = false,
            TrimOptions = TrimOptions.Trim,
            BadDataFound = null,
        };
        try
        {
            using var text = new StreamReader(path);
            using var csv = new CsvParser(text, settings);
            var rows = new List<Row>();
            while (csv.Read())
                rows.Add(new Row(csv.RawRow, csv.Record!));
            return rows;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or CsvHelperException)
        {
            throw new AnnotationException($"'{path}' can't be read ({exception.Message.TrimEnd('.')}).", exception);
        }
    }

    private sealed record Row(int Line, string[] Cells);
}
