using System.Globalization;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Training;

/// <summary>
/// Where a run stands, as one safetensors file: every parameter in float32, the momentum of each that is trained under
/// <c>velocity/NAME</c>, and in the metadata the step and the configuration. All that is random depends on the seed and the step,
/// so that nothing else is needed to go on to the very same weights. The file is moved to its place when it is whole: a run that is
/// killed leaves the checkpoint before.
/// </summary>
internal static class TrainingCheckpoint
{
    private const string StepKey = "fpn.training.step";
    private const string ConfigurationKey = "fpn.training.config";
    private const string VelocityPrefix = "velocity/";

    /// <summary>Writes one.</summary>
    /// <param name="path">The file; one that is there is replaced.</param>
    /// <param name="parameters">The network's.</param>
    /// <param name="steps">Steps done.</param>
    /// <param name="configuration">The run's.</param>
    /// <param name="model">The model's.</param>
    public static void Write(
        string path, ParameterSet parameters, int steps, TrainingConfiguration configuration, ModelConfiguration model)
    {
        IEnumerable<StateTensor> tensors =
        [
            .. parameters.All.Select(p => p.ToTensor()),
            .. parameters.Trained.Select(p => Renamed(p.VelocityToTensor(), VelocityPrefix + p.Name)),
        ];
        Safetensors.Write(path, tensors, DataType.F32, new Dictionary<string, string>
        {
            [StepKey] = steps.ToString(CultureInfo.InvariantCulture),
            [ConfigurationKey] = configuration.ToJson(),
            [Weights.ModelConfiguration.MetadataKey] = ModelConfigurationJson.Write(model),
        });
    }

    /// <summary>Puts a run where a file says that it stands.</summary>
    /// <returns>Steps done.</returns>
    /// <exception cref="TrainingException">The file is no checkpoint of a run, or of one with another configuration.</exception>
    /// <exception cref="WeightsException">It can't be read, or a tensor is missing.</exception>
    public static int Restore(string path, ParameterSet parameters, TrainingConfiguration configuration)
    {
        using var state = Safetensors.Open(path);
        if (!state.Metadata.TryGetValue(StepKey, out var text)
            || !int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var steps)
            || !state.Metadata.TryGetValue(ConfigurationKey, out var before))
        {
            throw new TrainingException($"{path} is no checkpoint of a training run; without --resume a new run begins, and replaces it.");
        }
        if (before != configuration.ToJson())
        {
            throw new TrainingException(
                $"{path} is from a run with another configuration: with this one it would not go on to the same weights. "
                + "Start a new run, with this file as 'network.weights'.");
        }
        var velocities = new StateDictionary(
            path,
            state.Tensors.Values.Where(t => t.Name.StartsWith(VelocityPrefix, StringComparison.Ordinal))
                .Select(t => Renamed(t, t.Name[VelocityPrefix.Length..])));
        parameters.Restore(state, velocities);
        return steps;
    }

    private static StateTensor Renamed(StateTensor tensor, string name)
        => StateTensor.FromValues(name, [.. tensor.Shape], tensor.ToArray());
}
