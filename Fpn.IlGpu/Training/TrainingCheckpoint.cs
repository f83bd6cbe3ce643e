using Fpn.IlGpu.Networks;
using System.Globalization;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Training;

/// <summary>
/// The state of a run as a single safetensors file: every parameter in float32, the velocity of each trained parameter under
/// <c>velocity/NAME</c>, and the step and the configuration in the metadata. All random numbers depend only on the seed and the step,
/// so a resumed run needs nothing else to reach exactly the same weights. The file is moved into place only when it is complete: a run
/// that is killed leaves the previous checkpoint.
/// </summary>
internal static class TrainingCheckpoint
{
    private const string StepKey = "fpn.training.step";
    private const string ConfigurationKey = "fpn.training.config";
    private const string VelocityPrefix = "velocity/";

    /// <summary>Writes a checkpoint.</summary>
    /// <param name="path">The file; an existing one is replaced.</param>
    /// <param name="parameters">The parameters of the network.</param>
    /// <param name="steps">The number of steps done.</param>
    /// <param name="configuration">The configuration of the run.</param>
    /// <param name="model">The configuration of the model.</param>
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

    /// <summary>Restores the state of a run from a checkpoint.</summary>
    /// <returns>The number of steps done.</returns>
    /// <exception cref="TrainingException">The file is not a checkpoint of a run, or its run had another configuration.</exception>
    /// <exception cref="WeightsException">The file can't be read, or a tensor is missing.</exception>
    public static int Restore(string path, ParameterSet parameters, TrainingConfiguration configuration)
    {
        using var state = Safetensors.Open(path);
        if (!state.Metadata.TryGetValue(StepKey, out var text)
            || !int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var steps)
            || !state.Metadata.TryGetValue(ConfigurationKey, out var before))
        {
            throw new TrainingException(
            $"{path} is not a checkpoint of a training run; use another --out to start a new run.");
        }
        if (before != configuration.ToJson())
        {
            throw new TrainingException(
                $"{path} is from a run with another configuration: resuming it with this one would not give the same weights. "
                + "Start a new run with this file as 'network.weights'.");
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
