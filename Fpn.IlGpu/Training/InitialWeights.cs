using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Training;

/// <summary>
/// What a network starts from: random tensors, and in place of those all that a checkpoint has of the same name and shape.
/// </summary>
internal static class InitialWeights
{
    private const string Body = "backbone.body.";

    /// <summary>Makes them.</summary>
    /// <param name="configuration">The run's.</param>
    /// <param name="model">The model's.</param>
    /// <param name="folder">What paths are relative to.</param>
    /// <param name="taken">How many tensors are the checkpoint's; 0 without one.</param>
    /// <exception cref="WeightsException">The checkpoint can't be read.</exception>
    /// <exception cref="TrainingException">It has nothing that fits.</exception>
    public static StateDictionary Of(TrainingConfiguration configuration, ModelConfiguration model, string folder, out int taken)
    {
        var network = configuration.Network;
        var tensors = FreshWeights.Of(network, model, configuration.Seed);
        taken = 0;
        if (network.Weights is { } file)
        {
            var path = Path.Combine(folder, file);
            using var checkpoint = Checkpoint.Open(path);
            var merged = tensors.Select(fresh => Find(checkpoint, fresh) ?? fresh).ToList();
            taken = merged.Where((tensor, i) => tensor != tensors[i]).Count();
            if (taken == 0)
                throw new TrainingException($"{path} has no tensor that fits the network: name another file, or another 'network.layout'.");
            tensors = merged;
        }
        return new StateDictionary(
            "the network", tensors,
            new Dictionary<string, string> { [ModelConfiguration.MetadataKey] = ModelConfigurationJson.Write(model) });
    }

    /// <summary>A detector's tensor; or a classifier's, whose names lack what stands before a backbone's.</summary>
    private static StateTensor? Find(StateDictionary checkpoint, StateTensor fresh)
    {
        var name = checkpoint.Contains(fresh.Name) || !fresh.Name.StartsWith(Body, StringComparison.Ordinal)
            ? fresh.Name
            : fresh.Name[Body.Length..];
        return checkpoint.Contains(name) && checkpoint[name].Shape.SequenceEqual(fresh.Shape)
            ? StateTensor.FromValues(fresh.Name, [.. fresh.Shape], checkpoint.Read(name, [.. fresh.Shape]))
            : null;
    }
}
