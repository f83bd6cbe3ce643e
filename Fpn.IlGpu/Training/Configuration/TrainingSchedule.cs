using System.Globalization;

namespace Fpn.IlGpu.Training;

/// <summary>How the learning rate decays.</summary>
public enum Decay
{
    /// <summary>It does not decay.</summary>
    None,

    /// <summary>It falls to a tenth at each of <see cref="TrainingSchedule.DecaySteps"/>, as in the paper.</summary>
    Steps,

    /// <summary>It follows half a cosine down to <see cref="TrainingSchedule.FinalShare"/> of the highest rate.</summary>
    Cosine,
}

/// <summary>
/// The optimiser's settings: stochastic gradient descent with momentum, as in section 5 of the paper, which uses 16 pictures per step,
/// a learning rate of 0.02 and a weight decay of 1e-4.
/// <code>
/// v ← m · v + clip(g) + d · w        w ← w − rate(step) · v
/// rate(step) = learning_rate · min(1, (step + 1) / warmup_steps) · decay(step)
/// </code>
/// </summary>
public sealed record TrainingSchedule
{
    /// <summary>The number of steps of a run for which neither steps nor epochs are given.</summary>
    public const int DefaultSteps = 4000;

    /// <summary>The number of steps; null if <see cref="Epochs"/> counts instead, or for <see cref="DefaultSteps"/>.</summary>
    public int? Steps { get; init; }

    /// <summary>
    /// The number of epochs, in place of <see cref="Steps"/>. An epoch is every picture once, without those that don't fill a last batch.
    /// </summary>
    public int? Epochs { get; init; }

    /// <summary>The number of pictures that are computed at once.</summary>
    public int Batch { get; init; } = 8;

    /// <summary>
    /// The number of batches whose gradients are added up for one step, so that a small device can train with many pictures per step:
    /// a step learns from <see cref="Batch"/> · this many.
    /// </summary>
    public int Accumulate { get; init; } = 1;

    /// <summary>The highest learning rate.</summary>
    public float LearningRate { get; init; } = 0.02f;

    /// <summary>The number of steps in which the rate rises linearly to the highest.</summary>
    public int WarmupSteps { get; init; } = 100;

    /// <summary>How the rate decays.</summary>
    public Decay Decay { get; init; } = Decay.Cosine;

    /// <summary>For <see cref="Decay.Steps"/>: the steps at which the rate falls to a tenth.</summary>
    public int[] DecaySteps { get; init; } = [];

    /// <summary>For <see cref="Decay.Steps"/>, in place of <see cref="DecaySteps"/>: the same in epochs.</summary>
    public int[] DecayEpochs { get; init; } = [];

    /// <summary>For <see cref="Decay.Cosine"/>: the share of the highest rate that is left at the end.</summary>
    public float FinalShare { get; init; } = 0.005f;

    /// <summary>The momentum, m.</summary>
    public float Momentum { get; init; } = 0.9f;

    /// <summary>The weight decay, d.</summary>
    public float WeightDecay { get; init; } = 1e-4f;

    /// <summary>The limit of the norm of all gradients together; larger ones are scaled down to it. 0 for no limit.</summary>
    public float GradientNorm { get; init; } = 5;

    /// <summary>The number of steps between checkpoints, each with a model.</summary>
    public int CheckpointEvery { get; init; } = 500;

    /// <summary>The learning rate of a step, of a schedule in steps; the first step is 0.</summary>
    /// <exception cref="InvalidOperationException">The schedule is in epochs.</exception>
    public float RateAt(int step)
    {
        if (Epochs is not null || DecayEpochs.Length > 0)
            throw new InvalidOperationException("How many steps an epoch has depends on the pictures.");
        var warm = WarmupSteps == 0 ? 1 : Math.Min(1, (step + 1.0) / WarmupSteps);
        var decayed = Decay switch
        {
            Decay.Steps => Math.Pow(0.1, DecaySteps.Count(at => step >= at)),
            Decay.Cosine => FinalShare + (1 - FinalShare) * 0.5 * (1 + Math.Cos(Math.PI * step / (Steps ?? DefaultSteps))),
            _ => 1,
        };
        return (float)(LearningRate * warm * decayed);
    }

    /// <summary>The same schedule with everything in steps.</summary>
    /// <param name="pictures">The number of pictures.</param>
    /// <exception cref="TrainingException">It has too many steps to count.</exception>
    internal TrainingSchedule InSteps(int pictures) => this with
    {
        Steps = Epochs is { } epochs ? StepsOf(epochs, pictures) : Steps ?? DefaultSteps,
        Epochs = null,
        DecaySteps = DecayEpochs.Length > 0 ? [.. DecayEpochs.Select(epoch => StepsOf(epoch, pictures))] : DecaySteps,
        DecayEpochs = [],
    };

    /// <summary>Whether a number of epochs, or a multiple of it, is complete after a step, counted from 1, and was not before it.</summary>
    internal bool EndsEpoch(int step, int epochs, int pictures)
    {
        var batches = epochs * BatchesPerEpoch(pictures);
        return (long)step * Accumulate / batches > (step - 1L) * Accumulate / batches;
    }

    private int StepsOf(int epochs, int pictures)
    {
        var steps = (epochs * BatchesPerEpoch(pictures) + Accumulate - 1) / Accumulate;
        return steps <= int.MaxValue ? (int)steps : throw new TrainingException(string.Create(
            CultureInfo.InvariantCulture, $"{epochs} epochs of {pictures} pictures are too many steps to count: choose fewer."));
    }

    // As SampleOrder counts them.
    private long BatchesPerEpoch(int pictures) => Math.Max(1, pictures / Batch);

    internal string? Problem()
    {
        if (Steps is not null && Epochs is not null)
            return "'schedule' takes one of 'steps' and 'epochs'";
        if (DecaySteps.Length > 0 && DecayEpochs.Length > 0)
            return "'schedule' takes one of 'decay_steps' and 'decay_epochs'";
        if (Epochs < 1)
            return "'schedule.epochs' must be at least 1";
        if (Steps < 1 || Batch is < 1 or > 1024 || WarmupSteps < 0 || CheckpointEvery < 1)
            return "'schedule' takes whole numbers: 'steps' and 'checkpoint_every' from 1, 'batch' from 1 to 1024, 'warmup_steps' from 0";
        if (Accumulate is < 1 or > 1024)
            return "'schedule.accumulate' must be from 1 to 1024";
        if (!(LearningRate > 0 && float.IsFinite(LearningRate)))
            return "'schedule.learning_rate' must be above 0";
        if (!(Momentum is >= 0 and < 1) || !(WeightDecay is >= 0 and < 1) || !(FinalShare is >= 0 and <= 1) || !(GradientNorm >= 0))
            return "'schedule' takes 'momentum' and 'weight_decay' from 0 to below 1, 'final_share' from 0 to 1, 'gradient_norm' from 0";
        return !AreMilestones(DecaySteps) ? "'schedule.decay_steps' takes steps above 0 in ascending order"
            : !AreMilestones(DecayEpochs) ? "'schedule.decay_epochs' takes epochs above 0 in ascending order"
            : null;
    }

    private static bool AreMilestones(int[] milestones)
        => milestones.Zip(milestones.Skip(1)).All(pair => pair.First < pair.Second) && milestones.All(at => at > 0);
}
