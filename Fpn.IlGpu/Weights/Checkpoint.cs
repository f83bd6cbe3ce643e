using System.Text.Json;
using System.Text.Json.Nodes;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// Opens model weights in any of the published file formats and naming schemes. Opened weights have torchvision's newest tensor
/// names and a configuration that states the conventions they were trained with.
/// </summary>
public static class Checkpoint
{
    private const string PrefixKey = "prefix";

    /// <summary>Opens a detector.</summary>
    /// <param name="path">
    /// A checkpoint of torchvision, Detectron2 or Detectron (<c>.pth</c>, <c>.pt</c>, <c>.pkl</c>), or safetensors, in one file
    /// or sharded.
    /// </param>
    /// <param name="overrides">
    /// Keys of <c>fpn.config</c> as a JSON object, which override what the file states or implies, and <c>prefix</c>, what is before every
    /// tensor's name; null for none.
    /// </param>
    /// <returns>The tensors under torchvision's names, with a complete <c>fpn.config</c> in the metadata.</returns>
    /// <exception cref="WeightsException">
    /// The file is missing, broken or refused, it holds no detector, or the configuration has an unknown key or an invalid
    /// value.
    /// </exception>
    public static StateDictionary Open(string path, string? overrides = null) => OpenAs(path, overrides, allowBackbone: false);

    /// <summary>
    /// Opens weights to start training from: a detector, or a backbone alone, under the names that it has in torchvision, timm or
    /// Detectron2, or within a detector.
    /// </summary>
    /// <param name="path">See <see cref="Open"/>.</param>
    /// <param name="overrides">See <see cref="Open"/>.</param>
    /// <returns>
    /// The tensors under torchvision's names, with a complete <c>fpn.config</c>; where <see cref="IsBackbone"/>, it states only the
    /// conventions of the input and of the backbone.
    /// </returns>
    /// <exception cref="WeightsException">The file is missing, broken or refused, or holds neither.</exception>
    internal static StateDictionary OpenAny(string path, string? overrides = null) => OpenAs(path, overrides, allowBackbone: true);

    /// <summary>Whether opened weights are a backbone without heads.</summary>
    internal static bool IsBackbone(StateDictionary weights) => ModelParts.IsBackboneAlone([.. weights.Tensors.Keys]);

    /// <summary>
    /// Returns the same tensors under torchvision's names, with their configuration. The result owns <paramref name="file"/>.
    /// </summary>
    /// <param name="file">The tensors as they are named in the file.</param>
    /// <param name="overrides">See <see cref="Open"/>.</param>
    /// <param name="allowBackbone">Whether a backbone alone will do.</param>
    internal static StateDictionary Understand(StateDictionary file, string? overrides = null, bool allowBackbone = false)
    {
        var prefix = TakePrefix(ref overrides);
        var plain = TensorNames.WithoutPrefix(file, prefix);
        var source = WeightsSource.Of(plain);
        var renamed = Rename(plain, source);
        if (!allowBackbone)
            ModelParts.RefuseBackboneAlone(plain, renamed.Keys);
        var metadata = new Dictionary<string, string>(file.Metadata, StringComparer.Ordinal);
        metadata[ModelConfiguration.MetadataKey] = Configure(plain, source, renamed, overrides).ToJson();
        return new StateDictionary(file.Source, renamed.Values, metadata, file) { Format = file.Format };
    }

    private static StateDictionary OpenAs(string path, string? overrides, bool allowBackbone)
    {
        var file = WeightsFile.Open(path);
        try
        {
            return Understand(file, overrides, allowBackbone);
        }
        catch
        {
            file.Dispose();
            throw;
        }
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

    private static Dictionary<string, StateTensor> Rename(StateDictionary file, WeightsSource source)
    {
        var renamed = new Dictionary<string, StateTensor>(StringComparer.Ordinal);
        foreach (var tensor in file.Tensors.Values)
        {
            // The number of training batches is not needed after training.
            var name = tensor.Name.EndsWith(".num_batches_tracked", StringComparison.Ordinal) ? null : source.Rename(tensor.Name);
            if (name is not null && !renamed.TryAdd(name, name == tensor.Name ? tensor : new RenamedTensor(name, tensor)))
            {
                throw new WeightsException(
                    $"{file.Source}: two of its tensors map to the name {WeightsException.Quote(name)}; "
                    + $"one of them is {WeightsException.Quote(tensor.Name)}.");
            }
        }
        source.Complete(renamed);
        return renamed;
    }

    private static ModelConfiguration Configure(
        StateDictionary file, WeightsSource source, Dictionary<string, StateTensor> tensors, string? overrides)
    {
        try
        {
            var configuration = file.Metadata.ContainsKey(ModelConfiguration.MetadataKey)
                ? ModelConfiguration.Of(file)
                : source.Configuration(file, tensors, KindOf(file, tensors.Keys, overrides));
            if (configuration.UnknownKeys.Count > 0)
            {
                throw new WeightsException(
                    $"'fpn.config' has keys that this version doesn't know: {string.Join(", ", configuration.UnknownKeys)}.");
            }
            return overrides is null ? configuration : configuration.With(overrides);
        }
        catch (WeightsException e) when (!e.Message.StartsWith(file.Source, StringComparison.Ordinal))
        {
            throw new WeightsException($"{file.Source}: {e.Message}", e);
        }
    }

    /// <summary>The kind of detector that the user names or the tensors tell; null for a backbone alone.</summary>
    private static string? KindOf(StateDictionary file, IReadOnlyCollection<string> names, string? overrides)
    {
        if (ModelParts.IsBackboneAlone(names))
            return null;
        const string unnamed = "";
        var named = overrides is null ? unnamed : new ModelConfiguration { Detector = unnamed }.With(overrides).Detector;
        return named.Length > 0 ? named : ModelParts.KindOf(file, names);
    }
}
