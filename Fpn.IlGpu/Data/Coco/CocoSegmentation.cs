using System.Text.Json;
using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Data;

/// <summary>
/// COCO's three encodings of an object's pixels: polygons (<c>[[x, y, x, y, …], …]</c>), run lengths
/// (<c>{"size": [h, w], "counts": [n, …]}</c>), and compressed run lengths (<c>"counts": "…"</c>).
/// </summary>
internal sealed class CocoSegmentation
{
    // pycocotools mistakes a first polygon of four numbers for something else, and refuses it.
    private const int FewestNumbers = 5;

    private double[][]? polygons;
    private int[]? runs;
    private string? counts;
    private int width;
    private int height;
    private string? problem;

    private CocoSegmentation()
    {
    }

    /// <summary>Whether it is encoded as compressed run lengths, which state their own size.</summary>
    public bool IsCompressed => counts is not null;

    /// <summary>
    /// Reads a segmentation; problems are reported when its mask is requested. Null for <c>null</c> and <c>[]</c>.
    /// </summary>
    /// <param name="reader">Positioned on the first token; left on the last.</param>
    public static CocoSegmentation? Read(ref Utf8JsonReader reader)
    {
        var segmentation = new CocoSegmentation();
        switch (reader.TokenType)
        {
            case JsonTokenType.Null:
                return null;
            case JsonTokenType.StartArray:
                segmentation.ReadPolygons(ref reader);
                return segmentation.polygons is { Length: 0 } && segmentation.problem is null ? null : segmentation;
            case JsonTokenType.StartObject:
                segmentation.ReadRuns(ref reader);
                return segmentation;
            default:
                reader.Skip();
                segmentation.problem = "it is neither polygons nor run lengths";
                return segmentation;
        }
    }

    /// <summary>Returns the mask, or null with the reason.</summary>
    /// <param name="pictureWidth">The picture's width in px, for polygons.</param>
    /// <param name="pictureHeight">The picture's height in px, for polygons.</param>
    /// <param name="why">What is wrong; empty if nothing is.</param>
    public ObjectMask? ToMask(int pictureWidth, int pictureHeight, out string why)
    {
        why = problem ?? "";
        if (problem is not null)
            return null;
        try
        {
            return polygons is not null ? ObjectMask.FromPolygons(polygons, pictureWidth, pictureHeight)
                : runs is not null ? ObjectMask.FromRuns(runs, width, height)
                : ObjectMask.FromCocoString(counts!, width, height);
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException)
        {
            why = exception is ArgumentOutOfRangeException ? "its size is not that of a picture" : exception.Message.TrimEnd('.');
            return null;
        }
    }

    private void ReadPolygons(ref Utf8JsonReader reader)
    {
        var parts = new List<double[]>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (JsonValues.Numbers(ref reader) is { } part)
                parts.Add(part);
            else
                problem = "a polygon is not a list of numbers";
        }
        polygons = [.. parts];
        if (parts.Count > 0 && parts[0].Length < FewestNumbers)
            problem ??= $"its first polygon has only {parts[0].Length} numbers";
    }

    private void ReadRuns(ref Utf8JsonReader reader)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isSize = reader.ValueTextEquals("size"u8);
            var isCounts = reader.ValueTextEquals("counts"u8);
            reader.Read();
            if (isCounts && reader.TokenType == JsonTokenType.String)
                counts = reader.GetString();
            else if (isCounts)
                runs = Whole(JsonValues.Numbers(ref reader));
            else if (isSize)
                (height, width) = Whole(JsonValues.Numbers(ref reader)) is [var h, var w] ? (h, w) : (0, 0);
            else
                reader.Skip();
        }
        if (runs is null && counts is null)
            problem = "it has no counts";
    }

    private static int[]? Whole(double[]? numbers)
        => numbers is not null && numbers.All(n => n is >= int.MinValue and <= int.MaxValue && Math.Floor(n) == n)
            ? Array.ConvertAll(numbers, n => (int)n)
            : null;
}
