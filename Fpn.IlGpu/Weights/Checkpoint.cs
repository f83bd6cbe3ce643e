using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// Model weights in whatever file, and under whatever names, the field publishes them: opened, they have torchvision's
/// newest names, and a configuration that states the conventions they were trained with.
/// </summary>
public static class Checkpoint
{
    /// <summary>Opens weights.</summary>
    /// <param name="path">
    /// A file of torchvision's, Detectron2's or Detectron's (<c>.pth</c>, <c>.pt</c>, <c>.pkl</c>), or safetensors, in one file or
    /// sharded.
    /// </param>
    /// <param name="overrides">
    /// Keys of <c>fpn.config</c> as a JSON object, each in place of what the file says or implies; null for none.
    /// </param>
    /// <returns>Tensors under torchvision's names; the metadata's <c>fpn.config</c> is complete.</returns>
    /// <exception cref="WeightsException">
    /// The file is missing, broken or refused, holds no detector, or a key or value of the configuration can't be.
    /// </exception>
    public static StateDictionary Open(string path, string? overrides = null)
    {
        var file = WeightsFile.Open(path);
        try
        {
            return Understand(file, overrides);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The same tensors under torchvision's names, with their configuration; it owns what it is made from.</summary>
    internal static StateDictionary Understand(StateDictionary file, string? overrides = null)
    {
        var source = WeightsSource.Of(file);
        var renamed = new Dictionary<string, StateTensor>(StringComparer.Ordinal);
        foreach (var tensor in file.Tensors.Values)
        {
            // How many batches training has seen means nothing to a network that is done with it.
            var name = tensor.Name.EndsWith(".num_batches_tracked", StringComparison.Ordinal) ? null : source.Names.Rename(tensor.Name);
            if (name is not null && !renamed.TryAdd(name, name == tensor.Name ? tensor : new RenamedTensor(name, tensor)))
            {
                throw new WeightsException(
                    $"{file.Source}: two of its tensors are {WeightsException.Quote(name)}; one is {WeightsException.Quote(tensor.Name)}.");
            }
        }
        source.Complete(renamed);

        var metadata = new Dictionary<string, string>(file.Metadata, StringComparer.Ordinal);
        metadata[ModelConfiguration.MetadataKey] = Configure(file, source, renamed, overrides).ToJson();
        return new StateDictionary(file.Source, renamed.Values, metadata, file) { Format = file.Format };
    }

    private static ModelConfiguration Configure(
        StateDictionary file, WeightsSource source, Dictionary<string, StateTensor> tensors, string? overrides)
    {
        try
        {
            var configuration = file.Metadata.ContainsKey(ModelConfiguration.MetadataKey)
                ? ModelConfiguration.Of(file)
                : source.Configuration(file, tensors);
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
}
