using System.Text.Json;
using System.Text.Json.Nodes;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Training;

/// <summary>What a run learns, and how: a checkpoint keeps it, so that only the same run is resumed from it.</summary>
/// <param name="Configuration">The configuration.</param>
/// <param name="Classes">The class names by class index.</param>
/// <param name="DataDigest">The digest of the data (<see cref="Training.DataDigest"/>).</param>
/// <param name="Steps">The number of its steps.</param>
internal sealed record ResumableRun(TrainingConfiguration Configuration, IReadOnlyList<string> Classes, string DataDigest, int Steps)
{
    private const string ConfigurationKey = "fpn.training.config";
    private const string ClassesKey = "fpn.training.classes";
    private const string DigestKey = "fpn.training.data_sha256";

    // What has no effect on a step that is done, or is covered by the digest: that of the data, or of the validation's.
    private static readonly string[] Harmless =
        ["validation", "schedule.steps", "schedule.epochs", "schedule.checkpoint_every", "data.ahead", "data.workers", "data.coco", "data.voc", "data.proposals"];

    /// <summary>The metadata of a checkpoint.</summary>
    public IEnumerable<KeyValuePair<string, string>> Metadata =>
    [
        new(ConfigurationKey, Configuration.ToJson()),
        new(ClassesKey, JsonSerializer.Serialize(Classes)),
        new(DigestKey, DataDigest),
    ];

    /// <summary>Whether metadata are those of a checkpoint of any run.</summary>
    public static bool IsRun(IReadOnlyDictionary<string, string> metadata) => metadata.ContainsKey(ConfigurationKey);

    /// <summary>Refuses the checkpoint of another run.</summary>
    /// <param name="path">The checkpoint, for messages.</param>
    /// <param name="metadata">Its metadata.</param>
    /// <exception cref="TrainingException">It is of another run.</exception>
    public void Check(string path, IReadOnlyDictionary<string, string> metadata)
    {
        if (!metadata.TryGetValue(ClassesKey, out var json) || !metadata.TryGetValue(DigestKey, out var digest))
            throw Other(path, "by an earlier version, which did not record its classes and data");
        var before = TrainingConfiguration.Parse(metadata[ConfigurationKey], path, hasPictures: true);
        string[] changed = [.. Differences(ToNode(before), ToNode(Configuration), "").Where(key => !IsHarmless(key))];
        if (changed.Length > 0)
            throw Other(path, $"with another configuration ({string.Join(", ", changed.Take(5).Select(key => $"'{key}'"))})");
        var classes = JsonSerializer.Deserialize<string[]>(json)!;
        if (!classes.SequenceEqual(Classes))
            throw Other(path, $"with other classes, or in another order: {Names(classes)} then, {Names(Classes)} now");
        if (digest != DataDigest)
            throw Other(path, "with other pictures or annotations, or a part of these could not be used then or can't be now");
    }

    private static bool IsHarmless(string key) => Harmless.Any(harmless => key.StartsWith(harmless, StringComparison.Ordinal));

    private static TrainingException Other(string path, string why) => new(
        $"{path} was written {why}: resuming it would not give the weights of one run. "
        + "Resume it with what it began with, or start a new run with this file as 'network.weights'.");

    private static JsonNode? ToNode(TrainingConfiguration configuration) => JsonNode.Parse(configuration.ToJson());

    private static IEnumerable<string> Differences(JsonNode? before, JsonNode? now, string path)
        => JsonNode.DeepEquals(before, now) ? []
            : (before, now) is (JsonObject a, JsonObject b)
            ? a.Select(pair => pair.Key).Union(b.Select(pair => pair.Key))
                .SelectMany(key => Differences(a[key], b[key], path.Length == 0 ? key : $"{path}.{key}"))
            : [path];

    private static string Names(IReadOnlyList<string> names)
        => $"{string.Join(", ", names.Take(5).Select(WeightsException.Quote))}{(names.Count > 5 ? ", …" : "")}";
}
