using System.Globalization;
using System.Text.Json;

namespace Fpn.IlGpu.Data;

/// <summary>
/// The ids of a COCO file and of the results for it. Most are whole numbers. Those that are strings get numbers of their own, below
/// all others; as in pycocotools, <c>"7"</c> is another id than <c>7</c>.
/// </summary>
internal sealed class AnnotationIds
{
    private readonly List<string> texts = [];
    private readonly Dictionary<string, long> numbers = new(StringComparer.Ordinal);

    /// <summary>The number of an id that is a string.</summary>
    public long NumberOf(string text)
    {
        if (!numbers.TryGetValue(text, out var number))
        {
            numbers.Add(text, number = long.MinValue + texts.Count);
            texts.Add(text);
        }
        return number;
    }

    /// <summary>
    /// Numbers the strings anew, in their order: pycocotools sorts by id, which decides between equal scores. Returns the new number of
    /// an id; null if no id is a string.
    /// </summary>
    public Func<long, long>? Sort()
    {
        if (texts.Count == 0)
            return null;
        string[] before = [.. texts];
        texts.Sort(StringComparer.Ordinal);
        for (var i = 0; i < texts.Count; i++)
            numbers[texts[i]] = long.MinValue + i;
        return id => TextOf(id, before) is { } text ? numbers[text] : id;
    }

    /// <summary>The id as the file has it, strings in quotation marks.</summary>
    public string Say(long? id)
        => id is null ? "null" : TextOf(id.Value, texts) is { } text ? $"\"{text}\"" : id.Value.ToString(CultureInfo.InvariantCulture);

    /// <summary>The id as the file has it, without quotation marks.</summary>
    public string ToName(long id) => TextOf(id, texts) ?? Say(id);

    /// <summary>Writes an id as the file has it.</summary>
    public void Write(Utf8JsonWriter json, ReadOnlySpan<byte> key, long id)
    {
        if (TextOf(id, texts) is { } text)
            json.WriteString(key, text);
        else
            json.WriteNumber(key, id);
    }

    private static string? TextOf(long id, IReadOnlyList<string> texts)
        => id < long.MinValue + texts.Count ? texts[(int)(id - long.MinValue)] : null;
}
