using System.Text.Json;
using Fpn.IlGpu.Files;

namespace Fpn.IlGpu.Data;

/// <summary>
/// Writes annotated sets as COCO instances files, which <see cref="CocoAnnotations"/> reads. Masks are written as compressed run
/// lengths.
/// </summary>
public static class CocoWriter
{
    /// <summary>Writes a file, replacing an existing one. The file gets its name only once it is complete.</summary>
    /// <param name="set">The set.</param>
    /// <param name="path">The file to write; its folder must exist.</param>
    /// <exception cref="IOException">The file can't be written.</exception>
    /// <exception cref="UnauthorizedAccessException">Writing the file is not permitted.</exception>
    public static void Write(AnnotatedSet set, string path)
    {
        ArgumentNullException.ThrowIfNull(set);
        ArgumentNullException.ThrowIfNull(path);

        using var file = UnfinishedFile.Create(path);
        Write(set, file.Stream);
        file.Complete();
    }

    /// <summary>Writes to a stream, which is left open.</summary>
    internal static void Write(AnnotatedSet set, Stream stream)
    {
        using var json = new Utf8JsonWriter(stream);
        Write(set, json);
    }

    private static void Write(AnnotatedSet set, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteStartArray("images");
        foreach (var picture in set.Pictures)
        {
            json.WriteStartObject();
            set.Ids.Write(json, "id"u8, picture.Id);
            json.WriteString("file_name", picture.FileName);
            json.WriteNumber("width", picture.Width);
            json.WriteNumber("height", picture.Height);
            json.WriteEndObject();
            json.Flush();
        }
        json.WriteEndArray();
        json.WriteStartArray("annotations");
        // From 1: COCO's evaluation treats id 0 as no object.
        long id = 1;
        foreach (var picture in set.Pictures)
        {
            foreach (var annotated in picture.Objects)
                WriteObject(json, id++, picture.Id, set, annotated);
            json.Flush();
        }
        json.WriteEndArray();
        json.WriteStartArray("categories");
        foreach (var category in set.Categories)
        {
            json.WriteStartObject();
            set.Ids.Write(json, "id"u8, category.Id);
            json.WriteString("name", category.Name);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteObject(Utf8JsonWriter json, long id, long picture, AnnotatedSet set, AnnotatedObject annotated)
    {
        json.WriteStartObject();
        json.WriteNumber("id", id);
        set.Ids.Write(json, "image_id"u8, picture);
        set.Ids.Write(json, "category_id"u8, set.Categories[annotated.ClassIndex].Id);
        json.WriteStartArray("bbox");
        json.WriteNumberValue(annotated.BoxImagePx.X1);
        json.WriteNumberValue(annotated.BoxImagePx.Y1);
        json.WriteNumberValue(annotated.BoxImagePx.Width);
        json.WriteNumberValue(annotated.BoxImagePx.Height);
        json.WriteEndArray();
        json.WriteNumber("area", annotated.Area);
        json.WriteNumber("iscrowd", annotated.IsCrowd ? 1 : 0);
        if (annotated.IsIgnored)
            json.WriteNumber("ignore", 1);
        if (annotated.Mask is { } mask)
        {
            json.WriteStartObject("segmentation");
            json.WriteStartArray("size");
            json.WriteNumberValue(mask.Height);
            json.WriteNumberValue(mask.Width);
            json.WriteEndArray();
            json.WriteString("counts", mask.ToCocoString());
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }
}
