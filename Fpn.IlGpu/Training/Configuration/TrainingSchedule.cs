namespace Fpn.IlGpu.Training;

/// <summary>How the learning rate falls after the warm-up.</summary>
public enum Decay
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>To a tenth at each of <see cref="TrainingSchedule.DecaySteps"/>, as in the paper.</summary>
    Steps,

    /// <summary>Along half a cosine, to <see cref="TrainingSchedule.FinalShare"/> of it.</summary>
    Cosine,
}

/// <summary>
/// How weights change: stochastic gradient descent with momentum, as in section 5 of the paper, whose own numbers are
/// 16 pictures a step at 0.02 and weight decay 1e-4.
/// <code>
/// v ← m · v + clip(g) + d · w        w ← w − rate(step) · v
/// rate(step) = learning_rate · min(1, (step + 1) / warmup_steps) · decay(step)
/// </code>
/// </summary>
public sealed record TrainingSchedule
{
    /// <summary>Steps in all.</summary>
    public int Steps { get; init; } = 4000;

    /// <summary>Pictures of a step.</summary>
    public int Batch { get; init; } = 8;

    /// <summary>The highest rate.</summary>
    public float LearningRate { get; init; } = 0.02f;

    /// <summary>Steps until it is reached, from almost nothing in equal parts.</summary>
    public int WarmupSteps { get; init; } = 100;

    /// <summary>How it falls from there on.</summary>
    public Decay Decay { get; init; } = Decay.Cosine;

    /// <summary>Of <see cref="Decay.Steps"/>: where it falls to a tenth.</summary>
    public int[] DecaySteps { get; init; } = [];

    /// <summary>Of <see cref="Decay.Cosine"/>: what is left at the end.</summary>
    public float FinalShare { get; init; } = 0.005f;

    /// <summary>m.</summary>
    public float Momentum { get; init; } = 0.9f;

    /// <summary>d.</summary>
    public float WeightDecay { get; init; } = 1e-4f;

    /// <summary>Gradients are scaled down to this norm, of all together; 0 leaves them as they are.</summary>
    public float GradientNorm { get; init; } = 5;

    /// <summary>Steps from one checkpoint to the next.</summary>
    public int CheckpointEvery { get; init; } = 500;

    /// <summary>The rate of a step, the first of which is 0.</summary>
    public float RateAt(int step)
    {
        var warm = WarmupSteps == 0 ? 1 : Math.Min(1, (step + 1.0) / WarmupSteps);
        var decayed = Decay switch
        {
            Decay.Steps => Math.Pow(0.1, DecaySteps.Count(at => step >= at)),
            Decay.Cosine => FinalShare + (1 - FinalShare) * 0.5 * (1 + Math.Cos(Math.PI * step / Steps)),
            _ => 1,
        };
        return (float)(LearningRate * warm * decayed);
    }

    internal string? Problem()
    {
        if (Steps < 1 || Batch is < 1 or > 1024 || WarmupSteps < 0 || CheckpointEvery < 1)
            return "'schedule' takes whole numbers above 0 for 'steps', 'batch' (to 1024) and 'checkpoint_every', and none below 0";
        if (!(LearningRate > 0 && float.IsFinite(LearningRate)))
            return "'schedule.learning_rate' is above 0";
        if (!(Momentum is >= 0 and < 1) || !(WeightDecay is >= 0 and < 1) || !(FinalShare is >= 0 and <= 1) || !(GradientNorm >= 0))
            return "'schedule' takes 'momentum' and 'weight_decay' from 0 to below 1, 'final_share' from 0 to 1, 'gradient_norm' from 0 on";
        return DecaySteps.Zip(DecaySteps.Skip(1)).Any(pair => pair.First >= pair.Second) || DecaySteps.Any(at => at < 1)
            ? "'schedule.decay_steps' takes steps above 0 that rise"
            : null;
    }
}
