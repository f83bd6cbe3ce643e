using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// Opens model weights in any of the published file formats and naming schemes. Opened weights have torchvision's newest tensor
/// names and a configuration that states the conventions they were trained with.
/// </summary>
public static class Checkpoint
{
    /// <summary>Opens weights.</summary>
    /// <param name="path">
    /// A checkpoint of torchvision, Detectron2 or Detectron (<c>.pth</c>, <c>.pt</c>, <c>.pkl</c>), or safetensors, in one file
    /// or sharded.
    /// </param>
    /// <param name="overrides">
    /// Keys of <c>fpn.config</c> as a JSON object, which override what the file states or implies; null for none.
    /// </param>
    /// <returns>The tensors under torchvision's names, with a complete <c>fpn.config</c> in the metadata.</returns>
    /// <exception cref="WeightsException">
    /// The file is missing, broken or refused, it holds no detector, or the configuration has an unknown key or an invalid
    /// value.
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

    /// <summary>
    /// Opens weights to start training from: a detector, or a backbone alone, under its own names (<c>conv1.weight</c>) or a detector's
    /// (<c>backbone.body.conv1.weight</c>).
    /// </summary>
    /// <param name="path">See <see cref="Open"/>.</param>
    /// <returns>The tensors under torchvision's names; a file that holds no whole detector has no configuration.</returns>
    /// <exception cref="WeightsException">The file is missing, broken or refused.</exception>
    internal static StateDictionary OpenTensors(string path)
    {
        var file = WeightsFile.Open(path);
        try
        {
            return new StateDictionary(file.Source, Rename(file, WeightsSource.Of(file)).Values, file.Metadata, file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Returns the same tensors under torchvision's names, with their configuration. The result owns <paramref name="file"/>.
    /// </summary>
    internal static StateDictionary Understand(StateDictionary file, string? overrides = null)
    {
        var source = WeightsSource.Of(file);
        var renamed = Rename(file, source);
        var metadata = new Dictionary<string, string>(file.Metadata, StringComparer.Ordinal);
        metadata[ModelConfiguration.MetadataKey] = Configure(file, source, renamed, overrides).ToJson();
        return new StateDictionary(file.Source, renamed.Values, metadata, file) { Format = file.Format };
    }

    private static Dictionary<string, StateTensor> Rename(StateDictionary file, WeightsSource source)
    {
        var renamed = new Dictionary<string, StateTensor>(StringComparer.Ordinal);
        foreach (var tensor in file.Tensors.Values)
        {
            // The number of training batches is not needed after training.
            var name = tensor.Name.EndsWith(".num_batches_tracked", StringComparison.Ordinal) ? null : source.Names.Rename(tensor.Name);
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
