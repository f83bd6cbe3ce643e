using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Training;

/// <summary>
/// The initial tensors of a network: random ones, replaced by a checkpoint's tensors of the same name and shape.
/// </summary>
internal static class InitialWeights
{
    private const string Body = "backbone.body.";

    /// <summary>Creates the initial state dict.</summary>
    /// <param name="network">The network, which says what tensors it needs.</param>
    /// <param name="configuration">The configuration of the run.</param>
    /// <param name="model">The configuration of the model.</param>
    /// <param name="folder">The folder that paths are relative to.</param>
    /// <param name="taken">The number of tensors that come from the checkpoint; 0 without one.</param>
    /// <exception cref="WeightsException">The checkpoint can't be read.</exception>
    /// <exception cref="TrainingException">The checkpoint has no tensor that fits.</exception>
    public static StateDictionary Of(
        LayerSet network, TrainingConfiguration configuration, ModelConfiguration model, string folder, out int taken)
    {
        List<StateTensor> tensors = [.. network.Tensors.Select(spec => FreshWeights.Of(spec, configuration.Seed))];
        taken = 0;
        if (configuration.Network.Weights is { } file)
        {
            var path = Path.Combine(folder, file);
            using var checkpoint = Checkpoint.OpenTensors(path);
            var merged = tensors.Select(fresh => Find(checkpoint, fresh) ?? fresh).ToList();
            taken = merged.Where((tensor, i) => tensor != tensors[i]).Count();
            if (taken == 0)
                throw new TrainingException($"{path} has no tensor that fits the network: choose another file or 'network.layout'.");
            tensors = merged;
        }
        return new StateDictionary(
            "the network", tensors,
            new Dictionary<string, string> { [ModelConfiguration.MetadataKey] = ModelConfigurationJson.Write(model) });
    }

    /// <summary>
    /// Finds a tensor by its name: in a detector, or in a classifier, whose names lack the backbone's prefix or have <c>features.</c>
    /// instead.
    /// </summary>
    private static StateTensor? Find(StateDictionary checkpoint, StateTensor fresh)
    {
        string[] names = fresh.Name.StartsWith(Body, StringComparison.Ordinal)
            ? [fresh.Name, fresh.Name[Body.Length..], $"features.{fresh.Name[Body.Length..]}"]
            : [fresh.Name];
        return names.FirstOrDefault(checkpoint.Contains) is { } name && checkpoint[name].Shape.SequenceEqual(fresh.Shape)
            ? StateTensor.FromValues(fresh.Name, [.. fresh.Shape], checkpoint.Read(name, [.. fresh.Shape]))
            : null;
    }
}
