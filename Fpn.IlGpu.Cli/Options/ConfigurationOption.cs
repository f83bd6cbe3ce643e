using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Fpn.IlGpu.Cli;

/// <summary><c>--set KEY=VALUE</c>: overrides a key of the configuration that a weights file states or implies.</summary>
internal static class ConfigurationOption
{
    public static Option<string[]> Create()
    {
        var option = new Option<string[]>("--set")
        {
            Description = "Override a key of the model's configuration, such as min_size=640; can be repeated.",
            HelpName = "KEY=VALUE",
            AllowMultipleArgumentsPerToken = false,
        };
        option.Validators.Add(RefuseOther);
        return option;
    }

    /// <summary>The given settings as one JSON object; null if there are none.</summary>
    public static string? ToJson(string[]? settings)
    {
        if (settings is null or { Length: 0 })
            return null;
        var json = new JsonObject();
        foreach (var setting in settings)
        {
            var equals = setting.IndexOf('=', StringComparison.Ordinal);
            json[setting[..equals]] = Value(setting[(equals + 1)..]);
        }
        return json.ToJsonString();
    }

    // Numbers, lists, true and false are JSON; anything else is a string.
    private static JsonNode? Value(string text)
    {
        try
        {
            return JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return JsonValue.Create(text);
        }
    }

    private static void RefuseOther(OptionResult result)
    {
        foreach (var token in result.Tokens.Where(token => token.Value.IndexOf('=', StringComparison.Ordinal) < 1))
            result.AddError($"--set is '{token.Value}'; it must be KEY=VALUE, such as min_size=640");
    }
}
