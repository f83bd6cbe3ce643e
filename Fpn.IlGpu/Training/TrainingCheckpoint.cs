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

    /// <summary>Whether a tensor of a checkpoint is the velocity of a parameter rather than a parameter.</summary>
    public static bool IsVelocity(string name) => name.StartsWith(VelocityPrefix, StringComparison.Ordinal);

    /// <summary>Writes a checkpoint.</summary>
    /// <param name="path">The file; an existing one is replaced.</param>
    /// <param name="parameters">The parameters of the network.</param>
    /// <param name="steps">The number of steps done.</param>
    /// <param name="run">The run.</param>
    /// <param name="model">The configuration of the model.</param>
    /// <param name="validations">The validations so far; null for none.</param>
    public static void Write(
        string path, ParameterSet parameters, int steps, ResumableRun run, ModelConfiguration model, ValidationRecord? validations)
    {
        IEnumerable<StateTensor> tensors =
        [
            .. parameters.All.Select(p => p.ToTensor()),
            .. parameters.Trained.Select(p => Renamed(p.VelocityToTensor(), VelocityPrefix + p.Name)),
        ];
        var metadata = new Dictionary<string, string>(run.Metadata)
        {
            [StepKey] = steps.ToString(CultureInfo.InvariantCulture),
            [Weights.ModelConfiguration.MetadataKey] = ModelConfigurationJson.Write(model),
        };
        validations?.AddTo(metadata);
        Safetensors.Write(path, tensors, DataType.F32, metadata);
    }

    /// <summary>Restores the state of a run from a checkpoint.</summary>
    /// <param name="path">The file.</param>
    /// <param name="parameters">The parameters of the network.</param>
    /// <param name="run">The run.</param>
    /// <param name="model">The configuration of the model, whose conventions are partly those of the weights that the run began with.</param>
    /// <param name="validations">The record of the run's validations, none so far; null for a run without. Replaced by the checkpoint's.</param>
    /// <returns>The number of steps done.</returns>
    /// <exception cref="TrainingException">
    /// The file is not a checkpoint of a run; its run had another configuration, other classes, other data or other conventions; or it did
    /// more steps than the run has.
    /// </exception>
    /// <exception cref="WeightsException">The file can't be read, or a tensor is missing.</exception>
    public static int Restore(
        string path, ParameterSet parameters, ResumableRun run, ModelConfiguration model, ref ValidationRecord? validations)
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
        if (Weights.ModelConfiguration.Of(state).ToJson() != model.ToJson())
        {
            throw new TrainingException(
                $"{path} was written with other conventions of the model, because 'network.weights' were others: resuming it would not give "
                + "the weights of one run. Resume it with what it began with, or start a new run with this file as 'network.weights'.");
        }
        if (steps > run.Steps)
        {
            var key = run.Configuration.Schedule.Epochs is null ? "steps" : "epochs";
            throw new TrainingException(string.Create(
                CultureInfo.InvariantCulture,
                $"{path} has done {steps} steps, but the run has {run.Steps}: 'schedule.{key}' can only be raised."));
        }
        if (validations is not null && ValidationRecord.Of(path, state.Metadata) is { } before)
        {
            validations = before.Digest == validations.Digest ? before : throw new TrainingException(
                $"{path} was written with other validation pictures or annotations, so that its figures can't be compared: "
                + "resume it with those, or without 'validation'.");
        }
        var velocities = new StateDictionary(
            path,
            state.Tensors.Values.Where(t => IsVelocity(t.Name))
                .Select(t => Renamed(t, t.Name[VelocityPrefix.Length..])));
        parameters.Restore(state, velocities);
        return steps;
    }

    private static StateTensor Renamed(StateTensor tensor, string name)
        => StateTensor.FromValues(name, [.. tensor.Shape], tensor.ToArray());
}
