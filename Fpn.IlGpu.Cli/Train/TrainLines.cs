using System.Globalization;
using Fpn.IlGpu.Evaluation;
using Fpn.IlGpu.Training;

namespace Fpn.IlGpu.Cli;

/// <summary>What <c>fpn train</c> says about the steps of a run.</summary>
/// <param name="steps">The number of steps of the run.</param>
/// <param name="before">The number of steps done before the run was resumed.</param>
internal sealed class TrainLines(int steps, int before)
{
    // Losses are shown as means over this many steps, because those of single steps are noisy.
    private const int ShownSteps = 50;

    private readonly Queue<TrainingStep> recent = [];
    private TimeSpan first;

    /// <summary>Takes the next step.</summary>
    /// <param name="step">The step.</param>
    /// <param name="elapsed">The time since the run began.</param>
    public void Add(TrainingStep step, TimeSpan elapsed)
    {
        // The first step includes compiling the kernels.
        if (step.Step <= before + 1)
            first = elapsed;
        recent.Enqueue(step);
        if (recent.Count > ShownSteps)
            recent.Dequeue();
    }

    /// <summary>The line that is overwritten.</summary>
    public string Progress(TrainingStep step, TimeSpan elapsed) => string.Create(
        CultureInfo.InvariantCulture, $"step {step.Step} of {steps}, loss {recent.Average(s => s.Loss):F3}{Pace(step, elapsed)}");

    /// <summary>A line that stays, where none can be overwritten.</summary>
    public string Heartbeat(TrainingStep step, TimeSpan elapsed) => string.Create(
        CultureInfo.InvariantCulture, $"step {step.Step} of {steps}: {Losses(step)}{Pace(step, elapsed)}");

    /// <summary>The line of a checkpoint.</summary>
    public string Milestone(TrainingStep step)
        => string.Create(CultureInfo.InvariantCulture, $"step {step.Step}: {Losses(step)}");

    /// <summary>The line of a validation.</summary>
    /// <param name="validation">The validation.</param>
    /// <param name="best">The best figure so far.</param>
    /// <param name="bestStep">The steps after which it was.</param>
    public static string Of(ValidationResult validation, EvaluationFigure best, int bestStep)
    {
        var figures = validation.Figures.Select(figure => string.Create(CultureInfo.InvariantCulture, $"{figure.Name} {figure.Value:F3}"));
        var rank = validation.IsBest
            ? "the best so far"
            : string.Create(CultureInfo.InvariantCulture, $"the best is {best.Value:F3} after step {bestStep}");
        return string.Create(CultureInfo.InvariantCulture, $"step {validation.Step}: {string.Join(", ", figures)}; {rank}");
    }

    private string Losses(TrainingStep step)
    {
        var parts = step.Losses.Select((loss, i) => string.Create(
            CultureInfo.InvariantCulture, $"{loss.Key} {recent.Average(s => s.Losses[i].Value):F3}"));
        return string.Create(CultureInfo.InvariantCulture, $"loss {recent.Average(s => s.Loss):F3} ({string.Join(", ", parts)})");
    }

    private string Pace(TrainingStep step, TimeSpan elapsed)
    {
        var done = step.Step - before - 1;
        if (done < 1 || step.Step == steps)
            return "";
        var rate = done / (elapsed - first).TotalSeconds;
        var speed = rate >= 1
            ? string.Create(CultureInfo.InvariantCulture, $"{rate:F1} steps a second")
            : string.Create(CultureInfo.InvariantCulture, $"{1 / rate:F1} s a step");
        return $", {speed}, {ProgressLine.Duration(TimeSpan.FromSeconds((steps - step.Step) / rate))} left";
    }
}
