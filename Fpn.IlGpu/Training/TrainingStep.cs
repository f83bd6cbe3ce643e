namespace Fpn.IlGpu.Training;

/// <summary>How one step of training went.</summary>
/// <param name="Step">Its number, from 1 on.</param>
/// <param name="Losses">By name; each the mean over what it counts.</param>
/// <param name="LearningRate">Its rate.</param>
/// <param name="Time">From the batch being asked for to the losses being known.</param>
public sealed record TrainingStep(int Step, IReadOnlyList<KeyValuePair<string, float>> Losses, float LearningRate, TimeSpan Time)
{
    /// <summary>What is made small: the sum of the losses.</summary>
    public float Loss => Losses.Sum(loss => loss.Value);
}
