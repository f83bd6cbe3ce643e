using Fpn.IlGpu.Networks;
using System.Globalization;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Training;

/// <summary>
/// The state of a run as a single safetensors file: every parameter in float32, the velocity of each trained parameter under
/// <c>velocity/NAME</c>, and in the metadata the step, the configuration, the class names and a digest of the data. All
/// random numbers depend only on the seed and the step, so a resumed run needs nothing else to reach exactly the same weights. The file
/// is moved into place only when it is complete: a run that is killed leaves the previous checkpoint.
/// </summary>
internal static class TrainingCheckpoint
{
    private const string StepKey = "fpn.training.step";
    private const string VelocityPrefix = "velocity/";

    /// <summary>Writes a checkpoint.</summary>
    /// <param name="path">The file; an existing one is replaced.</param>
    /// <param name="parameters">The parameters of the network.</param>
    /// <param name="steps">The number of steps done.</param>
    /// <param name="run">The run.</param>
    /// <param name="model">The configuration of the model.</param>
    public static void Write(
        string path, ParameterSet parameters, int steps, ResumableRun run, ModelConfiguration model)
    {
        IEnumerable<StateTensor> tensors =
        [
            .. parameters.All.Select(p => p.ToTensor()),
            .. parameters.Trained.Select(p => Renamed(p.VelocityToTensor(), VelocityPrefix + p.Name)),
        ];
        Safetensors.Write(path, tensors, DataType.F32, new Dictionary<string, string>(run.Metadata)
        {
            [StepKey] = steps.ToString(CultureInfo.InvariantCulture),
            [Weights.ModelConfiguration.MetadataKey] = ModelConfigurationJson.Write(model),
        });
    }

    /// <summary>Restores the state of a run from a checkpoint.</summary>
    /// <returns>The number of steps done.</returns>
    /// <exception cref="TrainingException">
    /// The file is not a checkpoint of a run; its run had another configuration, other classes or other data; or it did more steps than
    /// the run has.
    /// </exception>
    /// <exception cref="WeightsException">The file can't be read, or a tensor is missing.</exception>
    public static int Restore(string path, ParameterSet parameters, ResumableRun run)
    {
        using var state = Safetensors.Open(path);
        if (!state.Metadata.TryGetValue(StepKey, out var text)
            || !int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var steps)
            || !ResumableRun.IsRun(state.Metadata))
        {
            throw new TrainingException(
                $"{path} is not a checkpoint of a training run; use another --out to start a new run.");
        }
        run.Check(path, state.Metadata);
        if (steps > run.Configuration.Schedule.Steps)
        {
            throw new TrainingException(string.Create(
                CultureInfo.InvariantCulture,
                $"{path} has done {steps} steps, but 'schedule.steps' is {run.Configuration.Schedule.Steps}: it can only be raised."));
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
