namespace Fpn.IlGpu.Training;

/// <summary>The result of one training step.</summary>
/// <param name="Step">The number of the step, from 1.</param>
/// <param name="Losses">The losses by name, each normalised by its number of samples.</param>
/// <param name="LearningRate">The learning rate of the step.</param>
/// <param name="Time">The time from requesting the batch to the end of the step, without a validation that follows it.</param>
public sealed record TrainingStep(int Step, IReadOnlyList<KeyValuePair<string, float>> Losses, float LearningRate, TimeSpan Time)
{
    /// <summary>The validation that followed the step; null for none.</summary>
    public ValidationResult? Validation { get; init; }

    /// <summary>The total loss, which training minimises: the sum of the losses.</summary>
    public float Loss => Losses.Sum(loss => loss.Value);
}
