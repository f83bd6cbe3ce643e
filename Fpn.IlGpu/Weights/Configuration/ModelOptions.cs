using System.Text.Json;
using System.Text.Json.Nodes;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// What a caller knows about a weights file and the file does not say:
/// <code>
/// using var detector = Detector.Load(device, "mine.pth", new ModelOptions
/// {
///     Configure = c => c with { MinSize = 640, Classes = ["background", "cat", "dog"] },
/// });
/// </code>
/// </summary>
public sealed record ModelOptions
{
    private const string PrefixKey = "prefix";

    /// <summary>What is before every tensor's name, such as <c>student.</c>; empty for nothing, null to find it out from the file.</summary>
    public string? Prefix { get; init; }

    /// <summary>The kind of detector, one of <see cref="DetectorKind"/>; null to find it out from the file.</summary>
    public string? Detector { get; init; }

    /// <summary>
    /// Changes the configuration that the file states or implies; null to keep it. The result is checked like that of a file: a value out
    /// of its range is a <see cref="WeightsException"/>.
    /// </summary>
    public Func<ModelConfiguration, ModelConfiguration>? Configure { get; init; }

    /// <summary>The overrides as JSON, which are read when the file is.</summary>
    private string? Json { get; init; }

    /// <summary>Reads options from JSON, as the command's <c>--set</c> makes them.</summary>
    /// <param name="json">A JSON object with keys of <c>fpn.config</c> (see <see cref="ModelConfiguration"/>), and <c>prefix</c>.</param>
    /// <exception cref="WeightsException">The text is not a JSON object, a key is unknown, or a value is invalid.</exception>
    public static ModelOptions Parse(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        var options = OfJson(json)!;
        options.Apply(new ModelConfiguration());
        return options;
    }

    /// <summary>As <see cref="Parse"/>, but mistakes are found where a file is read, so that the message can name it.</summary>
    /// <exception cref="WeightsException">The prefix is not a text.</exception>
    internal static ModelOptions? OfJson(string? json)
    {
        if (json is null)
            return null;
        var prefix = TakePrefix(ref json);
        return new ModelOptions { Prefix = prefix, Json = json };
    }

    /// <summary>The kind of detector that the options name; null if they name none.</summary>
    internal string? NamedDetector()
    {
        if (Detector is not null || Json is null)
            return Detector;
        const string unnamed = "";
        var named = new ModelConfiguration { Detector = unnamed }.With(Json).Detector;
        return named.Length > 0 ? named : null;
    }

    /// <summary>Changes a configuration.</summary>
    /// <exception cref="WeightsException">A key is unknown, or a value is invalid.</exception>
    internal ModelConfiguration Apply(ModelConfiguration configuration)
    {
        if (Json is not null)
            configuration = configuration.With(Json);
        if (Detector is not null)
            configuration = configuration with { Detector = Detector };
        if (Configure is null)
            return configuration;
        // Read again, because only the reader checks values.
        return ModelConfiguration.Parse((Configure(configuration) ?? throw new WeightsException("The options' 'Configure' returned null.")).ToJson());
    }

    /// <summary>The value of <c>prefix</c>, which says where to look and is no key of the configuration.</summary>
    private static string? TakePrefix(ref string? overrides)
    {
        if (overrides is null || !overrides.Contains(PrefixKey, StringComparison.Ordinal))
            return null;
        JsonNode? json;
        try
        {
            json = JsonNode.Parse(overrides);
        }
        catch (JsonException)
        {
            return null; // The configuration's reader says what is wrong.
        }
        if (json is not JsonObject keys || !keys.TryGetPropertyValue(PrefixKey, out var value))
            return null;
        keys.Remove(PrefixKey);
        overrides = keys.Count > 0 ? keys.ToJsonString() : null;
        return value is JsonValue text && text.TryGetValue(out string? prefix)
            ? prefix
            : throw new WeightsException($"The prefix is {WeightsException.Quote(value?.ToJsonString() ?? "null")}, but must be a text.");
    }
}
