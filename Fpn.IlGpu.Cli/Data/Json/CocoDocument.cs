using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

using Fpn.IlGpu.Data;

namespace Fpn.IlGpu.Cli;

/// <summary>A picture of a COCO file.</summary>
/// <param name="Json">Its entry, with all keys.</param>
/// <param name="Id">Its id as it is written; strings have quotation marks.</param>
/// <param name="FileName">Its <c>file_name</c>; empty if there is none.</param>
internal sealed record DocumentPicture(JsonElement Json, string Id, string FileName);

/// <summary>An object of a COCO file.</summary>
/// <param name="Json">Its entry, with all keys.</param>
/// <param name="Category">Its category.</param>
internal sealed record DocumentObject(JsonElement Json, DocumentCategory Category);

/// <summary>A category of a COCO file.</summary>
/// <param name="Json">Its entry, with all keys.</param>
/// <param name="Id">Its id as it is written.</param>
/// <param name="Name">Its name; the id if it has none.</param>
internal sealed record DocumentCategory(JsonElement Json, string Id, string Name);

/// <summary>A value that takes the place of one in an entry: a number or a text; null for neither, to leave the key out.</summary>
internal readonly record struct NewValue(string Key, long? Number, string? Text = null);

/// <summary>
/// A COCO instances file as it is written: entries keep all their keys, polygons and ids, so that what is not changed stays as it was.
/// Entries without an id, and objects of pictures or categories that the file does not list, are left out and reported.
/// </summary>
internal sealed class CocoDocument : IDisposable
{
    private static readonly string[] Lists = ["images", "annotations", "categories"];
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly string path;
    private readonly JsonDocument json;
    private readonly Dictionary<string, List<DocumentObject>> objects = new(StringComparer.Ordinal);

    private CocoDocument(string path, JsonDocument json)
    {
        this.path = path;
        this.json = json;
        Categories = [.. Read("categories", null, (entry, id) => new DocumentCategory(entry, id, TextOf(entry, "name") ?? id.Trim('"')))];
        Pictures = [.. Read("images", AnnotationPart.Pictures, (entry, id) => new DocumentPicture(entry, id, TextOf(entry, "file_name") ?? ""))];
        ReadObjects();
    }

    public IReadOnlyList<DocumentPicture> Pictures { get; }

    public IReadOnlyList<DocumentCategory> Categories { get; }

    /// <summary>What is left out.</summary>
    public AnnotationProblems Problems { get; } = new();

    /// <summary>The objects of a picture.</summary>
    public IReadOnlyList<DocumentObject> ObjectsOf(DocumentPicture picture) => objects.GetValueOrDefault(picture.Id, []);

    /// <summary>Reads a file.</summary>
    /// <exception cref="AnnotationException">It can't be read, is broken JSON, or no COCO file.</exception>
    public static CocoDocument Open(string path)
    {
        ReadOnlySpan<byte> byteOrderMark = [0xEF, 0xBB, 0xBF];
        try
        {
            var bytes = File.ReadAllBytes(path);
            var start = bytes.AsSpan().StartsWith(byteOrderMark) ? byteOrderMark.Length : 0;
            var json = JsonDocument.Parse(bytes.AsMemory(start));
            if (json.RootElement.ValueKind != JsonValueKind.Object)
                throw new AnnotationException($"'{path}' is not a JSON object, so it is no COCO instances file.");
            return new CocoDocument(path, json);
        }
        catch (JsonException exception)
        {
            throw new AnnotationException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"'{path}' is broken JSON at line {exception.LineNumber + 1}, column {exception.BytePositionInLine + 1}."),
                exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new AnnotationException($"'{path}' can't be read ({exception.Message.TrimEnd('.')}).", exception);
        }
    }

    /// <summary>Writes a file with these entries; what else the document has, such as <c>info</c>, is kept.</summary>
    /// <param name="stream">Receives the file.</param>
    /// <param name="pictures">Writes the elements of <c>images</c>.</param>
    /// <param name="annotations">Writes the elements of <c>annotations</c>.</param>
    /// <param name="categories">Writes the elements of <c>categories</c>.</param>
    /// <param name="dropped">What else of the document is not kept.</param>
    public void Write(
        Stream stream, Action<Utf8JsonWriter> pictures, Action<Utf8JsonWriter> annotations, Action<Utf8JsonWriter> categories,
        params string[] dropped)
    {
        using var writer = new Utf8JsonWriter(stream, Options);
        writer.WriteStartObject();
        var others = json.RootElement.EnumerateObject().Where(property => !Lists.Contains(property.Name) && !dropped.Contains(property.Name));
        foreach (var other in others)
            other.WriteTo(writer);
        foreach (var (name, write) in Lists.Zip([pictures, annotations, categories]))
        {
            writer.WriteStartArray(name);
            write(writer);
            writer.WriteEndArray();
        }
        writer.WriteEndObject();
    }

    /// <summary>Writes an entry, some of whose values are replaced or added.</summary>
    public static void WriteEntry(Utf8JsonWriter writer, JsonElement entry, params ReadOnlySpan<NewValue> values)
    {
        writer.WriteStartObject();
        var isWritten = new bool[values.Length];
        foreach (var property in entry.EnumerateObject())
        {
            var place = -1;
            for (var i = 0; i < values.Length; i++)
                place = property.NameEquals(values[i].Key) ? i : place;
            if (place < 0)
                property.WriteTo(writer);
            else if (!isWritten[place])
                Write(writer, values[place]);
            if (place >= 0)
                isWritten[place] = true;
        }
        for (var i = 0; i < values.Length; i++)
        {
            if (!isWritten[i])
                Write(writer, values[i]);
        }
        writer.WriteEndObject();
        writer.Flush();
    }

    /// <summary>An object's <c>category_id</c> as another category's id, for an entry of its own file.</summary>
    public static void WriteWithCategory(Utf8JsonWriter writer, JsonElement entry, DocumentCategory category)
    {
        writer.WriteStartObject();
        foreach (var property in entry.EnumerateObject())
        {
            if (property.NameEquals("category_id"))
            {
                writer.WritePropertyName("category_id"u8);
                category.Json.GetProperty("id").WriteTo(writer);
            }
            else
            {
                property.WriteTo(writer);
            }
        }
        writer.WriteEndObject();
        writer.Flush();
    }

    /// <summary>A value besides the three lists, as it is written; empty if there is none.</summary>
    public string Other(string name) => json.RootElement.TryGetProperty(name, out var value) ? value.GetRawText() : "";

    public void Dispose() => json.Dispose();

    private static void Write(Utf8JsonWriter writer, NewValue value)
    {
        if (value.Text is not null)
            writer.WriteString(value.Key, value.Text);
        else if (value.Number is { } number)
            writer.WriteNumber(value.Key, number);
    }

    private JsonElement.ArrayEnumerator Entries(string list)
    {
        if (!json.RootElement.TryGetProperty(list, out var entries) || entries.ValueKind != JsonValueKind.Array)
            throw new AnnotationException($"'{path}' has no list '{list}', so it is no COCO instances file.");
        return entries.EnumerateArray();
    }

    private IEnumerable<T> Read<T>(string list, AnnotationPart? loses, Func<JsonElement, string, T> make)
    {
        var known = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (index, entry) in Entries(list).Index())
        {
            if (loses is { } part)
                Problems.AddParts(part, 1);
            var number = string.Create(CultureInfo.InvariantCulture, $"number {index + 1} of '{list}' in '{path}'");
            if (IdOf(entry, "id") is not { } id)
                Problems.Add(AnnotationProblem.EntryIncomplete, $"{number} has no id", loses);
            else if (!known.Add(id))
                Problems.Add(AnnotationProblem.DuplicateId, $"{number}: {id}", loses);
            else
                yield return make(entry, id);
        }
    }

    private void ReadObjects()
    {
        var categories = Categories.ToDictionary(category => category.Id, StringComparer.Ordinal);
        foreach (var picture in Pictures)
            objects.Add(picture.Id, []);
        foreach (var (index, entry) in Entries("annotations").Index())
        {
            Problems.AddParts(AnnotationPart.Objects, 1);
            var which = string.Create(CultureInfo.InvariantCulture, $"object number {index + 1} of '{path}'");
            if (IdOf(entry, "image_id") is not { } picture || !objects.TryGetValue(picture, out var own))
                Problems.Add(AnnotationProblem.PictureUnknown, which, AnnotationPart.Objects);
            else if (IdOf(entry, "category_id") is not { } id || !categories.TryGetValue(id, out var category))
                Problems.Add(AnnotationProblem.CategoryUnknown, which, AnnotationPart.Objects);
            else
                own.Add(new DocumentObject(entry, category));
        }
    }

    // As in pycocotools, "7" is another id than 7.
    private static string? IdOf(JsonElement entry, string key)
    {
        if (entry.ValueKind != JsonValueKind.Object || !entry.TryGetProperty(key, out var id))
            return null;
        return id.ValueKind switch
        {
            JsonValueKind.String => $"\"{id.GetString()}\"",
            JsonValueKind.Number when id.TryGetDouble(out var number) && Math.Floor(number) == number
                => number.ToString("F0", CultureInfo.InvariantCulture),
            _ => null,
        };
    }

    private static string? TextOf(JsonElement entry, string key)
        => entry.TryGetProperty(key, out var text) && text.ValueKind == JsonValueKind.String ? text.GetString() : null;
}
