using System.Globalization;
using System.Text.Json;

namespace Fpn.IlGpu.Training;

/// <summary>Says what is wrong with a configuration's JSON in words of the file, where the library's are of .NET's types.</summary>
/// <param name="source">The file, as messages name it.</param>
/// <param name="options">By which it was read.</param>
internal sealed class ConfigurationSentence(string source, JsonSerializerOptions options)
{
    /// <summary>A sentence for what the library threw on reading a configuration.</summary>
    public string Of(JsonException exception)
    {
        var place = exception.LineNumber is { } line
            ? string.Create(CultureInfo.InvariantCulture, $"{source}, line {line + 1}, column {exception.BytePositionInLine + 1}")
            : source;
        // What the reader of JSON itself threw comes wrapped, what the deserializer found does not; either names the place again.
        var said = exception.Message.Split(" Path: ")[0].Split(" LineNumber: ")[0].TrimEnd('.', ' ').ReplaceLineEndings(" ");
        return exception.InnerException is JsonException
            ? $"{place}: this is no valid JSON ({said})."
            : $"{place}: {OfKey((exception.Path ?? "").TrimStart('$').TrimStart('.'), said)}.";
    }

    /// <summary>A path of keys as in <c>schedule.decay_steps[1]</c>, followed from the configuration's type on.</summary>
    private string OfKey(string path, string said)
    {
        var type = options.GetTypeInfo(typeof(TrainingConfiguration));
        foreach (var part in path.Split('.', StringSplitOptions.RemoveEmptyEntries))
        {
            var key = part.Split('[')[0];
            if (type.Properties.FirstOrDefault(p => p.Name == key) is not { } property)
                return $"there is no key '{path}'; those there are: {string.Join(", ", type.Properties.Select(p => p.Name))}";
            type = options.GetTypeInfo(
                part != key && property.PropertyType.IsArray ? property.PropertyType.GetElementType()! : property.PropertyType);
        }
        var where = path.Length == 0 ? "a training configuration" : $"'{path}'";
        if (said.StartsWith("Duplicate", StringComparison.Ordinal))
            return path.Length == 0 ? "a key is there twice" : $"{where} is there twice, or has a key twice";
        const string Missing = "including: ";
        var missing = said.IndexOf(Missing, StringComparison.Ordinal);
        return missing < 0 ? $"{where} takes {Wanted(type.Type)}" : $"{where} needs {said[(missing + Missing.Length)..]}";
    }

    private string Wanted(Type type) => (Nullable.GetUnderlyingType(type) ?? type) switch
    {
        { IsEnum: true } names => $"one of {string.Join(", ", Enum.GetValues(names).Cast<object>().Select(JsonOf))}",
        { IsArray: true } => "a list [ … ]",
        var t when t == typeof(int) => "a whole number, up to 2147483647",
        var t when t == typeof(long) => "a whole number",
        var t when t == typeof(float) || t == typeof(double) => "a number",
        var t when t == typeof(bool) => "true or false",
        var t when t == typeof(string) => "a text in quotation marks",
        _ => "an object { … } of keys and values",
    };

    private string JsonOf(object value) => JsonSerializer.Serialize(value, options);
}
