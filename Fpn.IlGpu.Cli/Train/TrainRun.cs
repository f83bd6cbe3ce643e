using System.Diagnostics;
using System.Globalization;
using Fpn.IlGpu.Experiments.Scenes;
using Fpn.IlGpu.Files;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Training;

namespace Fpn.IlGpu.Cli;

/// <summary>One run of <c>fpn train</c>.</summary>
internal sealed class TrainRun(
    string configurationPath, string folder, bool resume, bool allowProblems, string deviceName, DeviceOptions options, Screen screen,
    CancellationToken stop)
{
    // Losses are shown as means over this many steps, because those of single steps are noisy.
    private const int ShownSteps = 50;

    /// <summary>How long a step and its checkpoint are waited for when the run is asked to end.</summary>
    public static readonly TimeSpan LongestStep = TimeSpan.FromMinutes(1);

    private readonly Queue<TrainingStep> recent = [];

    /// <summary>Runs the command and returns the process's exit code.</summary>
    public int Execute()
    {
        var configuration = TrainingConfiguration.Load(configurationPath);
        var inUse = new FilesInUse();
        inUse.AddInputs(configurationPath);
        foreach (var output in Trainer.Outputs(folder))
            OutputFile.Check(output, "--out", inUse);
        using var device = Device.Open(deviceName, options);
        var dataFolder = Path.GetDirectoryName(Path.GetFullPath(configurationPath))!;
        using var trainer = Trainer.Open(
            device, configuration, dataFolder, folder, resume, SceneTraining.ScenesOf(configuration), allowProblems: allowProblems);
        var known = trainer.DataProblems;
        ShowProblems(trainer);
        screen.WriteLine(
            $"{device.Info.Name} ({device.Info.Id}), {trainer.Description}"
            + (trainer.StepsDone > 0 ? string.Create(CultureInfo.InvariantCulture, $", resuming after step {trainer.StepsDone}") : ""));

        var steps = configuration.Schedule.Steps;
        var clock = Stopwatch.StartNew();
        var first = TimeSpan.Zero;
        var firstStep = trainer.StepsDone + 1;
        try
        {
            foreach (var step in trainer.Run(stop))
            {
                // The first step includes compiling the kernels.
                first = step.Step == firstStep ? clock.Elapsed : first;
                recent.Enqueue(step);
                if (recent.Count > ShownSteps)
                    recent.Dequeue();
                screen.Progress(Screen.Cut(Line(step, steps, firstStep, clock.Elapsed - first)));
                if (step.Step % configuration.Schedule.CheckpointEvery == 0 || step.Step == steps)
                    screen.WriteLine(Losses(step));
            }
        }
        finally
        {
            screen.Progress("");
        }
        if (trainer.DataProblems.Total > known.Total)
            ShowProblems(trainer);
        if (trainer.StepsDone < steps)
        {
            screen.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"Stopped after step {trainer.StepsDone} of {steps}; "
                + $"resume with 'fpn train {configurationPath} --out {folder} --resume'."));
            return ExitCode.Interrupted;
        }
        screen.WriteLine($"Trained in {ProgressLine.Duration(clock.Elapsed)}: {trainer.ModelPath}");
        return ExitCode.Done;
    }

    private void ShowProblems(Trainer trainer)
    {
        var sentences = trainer.DataProblems.Sentences();
        foreach (var sentence in sentences)
            screen.Error(sentence);
        if (sentences.Count > 0)
            screen.Error($"The problems with the data are in {trainer.ProblemsPath}.");
    }

    private string Line(TrainingStep step, int steps, int firstStep, TimeSpan sinceFirst)
    {
        var text = string.Create(
            CultureInfo.InvariantCulture, $"step {step.Step} of {steps}, loss {recent.Average(s => s.Loss):F3}");
        var done = step.Step - firstStep;
        if (done == 0 || step.Step == steps)
            return text;
        var rate = done / sinceFirst.TotalSeconds;
        var speed = rate >= 1
            ? string.Create(CultureInfo.InvariantCulture, $"{rate:F1} steps a second")
            : string.Create(CultureInfo.InvariantCulture, $"{1 / rate:F1} s a step");
        return $"{text}, {speed}, {ProgressLine.Duration(TimeSpan.FromSeconds((steps - step.Step) / rate))} left";
    }

    private string Losses(TrainingStep step)
    {
        var parts = step.Losses.Select((loss, i) => string.Create(
            CultureInfo.InvariantCulture, $"{loss.Key} {recent.Average(s => s.Losses[i].Value):F3}"));
        return string.Create(
            CultureInfo.InvariantCulture, $"step {step.Step}: loss {recent.Average(s => s.Loss):F3} ({string.Join(", ", parts)})");
    }
}
