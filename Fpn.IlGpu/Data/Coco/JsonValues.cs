using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Fpn.IlGpu.Data;

/// <summary>
/// Reads values that may have the wrong type. The result is then null, and the reader still moves past the value.
/// </summary>
internal static class JsonValues
{
    /// <summary>An integer, also one written as 7.0.</summary>
    public static long? Whole(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var whole))
            return whole;
        return Number(ref reader) is { } number && Math.Abs(number) < 1L << 53 && Math.Floor(number) == number ? (long)number : null;
    }

    /// <summary>An id; null for a value that is neither a whole number nor a string.</summary>
    public static long? Id(ref Utf8JsonReader reader, AnnotationIds ids)
        => reader.TokenType == JsonTokenType.String ? ids.NumberOf(reader.GetString()!) : Whole(ref reader);

    /// <summary>A finite number, also one in quotation marks, as some tools write all values.</summary>
    public static double? Number(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.Number && reader.TryGetDouble(out var number) && double.IsFinite(number))
            return number;
        if (reader.TokenType == JsonTokenType.String
            && double.TryParse(reader.GetString(), NumberStyles.Float, CultureInfo.InvariantCulture, out number) && double.IsFinite(number))
        {
            return number;
        }
        reader.Skip();
        return null;
    }

    /// <summary><c>true</c> or a number other than 0; anything else is false.</summary>
    public static bool Truth(ref Utf8JsonReader reader) => reader.TokenType == JsonTokenType.True || Number(ref reader) is { } n && n != 0;

    /// <summary>A string; a number as it is written.</summary>
    public static string? Text(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.String)
            return reader.GetString();
        if (reader.TokenType == JsonTokenType.Number)
            return Encoding.UTF8.GetString(reader.ValueSpan);
        reader.Skip();
        return null;
    }

    /// <summary>An array of finite numbers.</summary>
    public static double[]? Numbers(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            reader.Skip();
            return null;
        }
        var numbers = new List<double>();
        var good = true;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            var number = Number(ref reader);
            numbers.Add(number ?? 0);
            good &= number is not null;
        }
        return good ? [.. numbers] : null;
    }
}
