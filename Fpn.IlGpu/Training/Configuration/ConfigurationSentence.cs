using System.Globalization;
using System.Text.Json;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Training;

/// <summary>
/// Describes errors in a configuration's JSON in terms of the file's keys and values; System.Text.Json describes them in terms of
/// .NET types.
/// </summary>
/// <param name="source">The name of the file in messages.</param>
/// <param name="options">The options that the file was read with.</param>
internal sealed class ConfigurationSentence(string source, JsonSerializerOptions options)
{
    /// <summary>Returns a sentence for an exception that was thrown while reading a configuration.</summary>
    public string Of(JsonException exception)
    {
        var place = exception.LineNumber is { } line
            ? string.Create(CultureInfo.InvariantCulture, $"{source}, line {line + 1}, column {exception.BytePositionInLine + 1}")
            : source;
        // Syntax errors of the JSON reader arrive wrapped, errors of the deserializer do not. Both messages repeat the place: cut it off.
        var said = exception.Message.Split(" Path: ")[0].Split(" LineNumber: ")[0].TrimEnd('.', ' ').ReplaceLineEndings(" ");
        return exception.InnerException is JsonException
            ? $"{place}: this is not valid JSON ({said})."
            : $"{place}: {OfKey((exception.Path ?? "").TrimStart('$').TrimStart('.'), said)}.";
    }

    /// <summary>Describes the error at a path such as <c>schedule.decay_steps[1]</c>, resolved from the configuration's type.</summary>
    private string OfKey(string path, string said)
    {
        var type = options.GetTypeInfo(typeof(TrainingConfiguration));
        foreach (var part in path.Split('.', StringSplitOptions.RemoveEmptyEntries))
        {
            var key = part.Split('[')[0];
            if (type.Properties.FirstOrDefault(p => p.Name == key) is not { } property)
            {
                string[] known = [.. type.Properties.Select(p => p.Name)];
                return $"there is no key '{path}'{Spelling.Suggestion(key, known)}; the known keys are: {string.Join(", ", known)}";
            }
            type = options.GetTypeInfo(
                part != key && property.PropertyType.IsArray ? property.PropertyType.GetElementType()! : property.PropertyType);
        }
        var where = path.Length == 0 ? "a training configuration" : $"'{path}'";
        if (said.StartsWith("Duplicate", StringComparison.Ordinal))
            return path.Length == 0 ? "a key appears twice" : $"{where} appears twice, or has a key twice";
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
        var t when t == typeof(string) => "a string in quotation marks",
        _ => "an object { … } of keys and values",
    };

    private string JsonOf(object value) => JsonSerializer.Serialize(value, options);
}
