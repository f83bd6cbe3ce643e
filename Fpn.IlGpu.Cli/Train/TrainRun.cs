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
    /// <summary>How long a step and its checkpoint are waited for when the run is asked to end.</summary>
    public static readonly TimeSpan LongestStep = TimeSpan.FromMinutes(1);

    private readonly Heartbeat heartbeat = Heartbeat.Of(screen);
    private int drawn;

    private string PlotPath => Path.Combine(folder, "training.svg");

    /// <summary>Runs the command and returns the process's exit code.</summary>
    public int Execute()
    {
        var configuration = TrainingConfiguration.Load(configurationPath);
        var inUse = new FilesInUse();
        inUse.AddInputs(configurationPath);
        foreach (var output in Trainer.Outputs(folder).Append(PlotPath))
            OutputFile.Check(output, "--out", inUse);
        using var device = Device.Open(deviceName, options);
        using var trainer = Open(device, configuration);
        var known = trainer.DataProblems;
        ShowProblems(trainer);
        screen.WriteLine(
            $"{device.Info.Name} ({device.Info.Id}), {trainer.Description}"
            + (trainer.StepsDone > 0 ? string.Create(CultureInfo.InvariantCulture, $", resuming after step {trainer.StepsDone}") : ""));
        if (resume && trainer.IsFinished)
        {
            screen.WriteWrapped(string.Create(
                CultureInfo.InvariantCulture,
                $"This run is finished, after {trainer.StepsDone} steps: {trainer.ModelPath}. More 'steps' in its configuration would go on."));
            return ExitCode.Done;
        }
        // A resumed run has its checkpoint's weights.
        foreach (var sentence in trainer is { StepsDone: 0, Weights: { } weights } ? weights.Sentences() : [])
            screen.WriteLine(sentence);
        var clock = Stopwatch.StartNew();
        Train(trainer, configuration.Schedule.CheckpointEvery, clock);
        if (trainer.DataProblems.Total > known.Total)
            ShowProblems(trainer);
        if (!trainer.IsFinished)
        {
            screen.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"Stopped after step {trainer.StepsDone} of {trainer.Steps}; "
                + $"resume with 'fpn train {configurationPath} --out {folder} --resume'."));
            return ExitCode.Interrupted;
        }
        ShowEnd(trainer, configuration.Validation?.Patience, clock.Elapsed);
        return ExitCode.Done;
    }

    private Trainer Open(Device device, TrainingConfiguration configuration)
    {
        var dataFolder = Path.GetDirectoryName(Path.GetFullPath(configurationPath))!;
        try
        {
            return Trainer.Open(
                device, configuration, dataFolder, folder, resume, SceneTraining.ScenesOf(configuration), allowProblems: allowProblems,
                progress: new PictureLine(screen, heartbeat));
        }
        finally
        {
            screen.Progress("");
        }
    }

    private void Train(Trainer trainer, int checkpointEvery, Stopwatch clock)
    {
        var lines = new TrainLines(trainer.Steps, trainer.StepsDone);
        try
        {
            foreach (var step in trainer.Run(stop))
            {
                lines.Add(step, clock.Elapsed);
                screen.Progress(Screen.Cut(lines.Progress(step, clock.Elapsed)));
                if (step.Step % checkpointEvery == 0 || step.Step == trainer.Steps || step.Validation is not null)
                {
                    heartbeat.Rest();
                    screen.WriteWrapped(lines.Milestone(step));
                }
                heartbeat.Beat(() => lines.Heartbeat(step, clock.Elapsed));
                if (step.Validation is { } validation)
                    screen.WriteLine(TrainLines.Of(validation, trainer.Best!.Value, trainer.BestStep!.Value));
                Draw(trainer);
            }
            Draw(trainer);
        }
        finally
        {
            screen.Progress("");
        }
    }

    private void Draw(Trainer trainer)
    {
        if (trainer.StepsSaved == drawn)
            return;
        drawn = trainer.StepsSaved;
        using var file = UnfinishedFile.Create(PlotPath);
        TrainingPlot.Write(TrainingTable.Read(trainer.LogPath), file.Stream);
        file.Complete();
    }

    private void ShowEnd(Trainer trainer, int? patience, TimeSpan time)
    {
        if (trainer.IsOutOfPatience && trainer.StepsDone < trainer.Steps)
        {
            screen.WriteWrapped(string.Create(
                CultureInfo.InvariantCulture,
                $"{trainer.Best!.Value.Name} has not improved in the last {patience} validations, so the run ends after step "
                + $"{trainer.StepsDone} of {trainer.Steps}."));
        }
        if (trainer.Best is { } best)
        {
            screen.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"The best model, with {best.Name} {best.Value:F3} after step {trainer.BestStep}: {trainer.BestPath}"));
        }
        screen.WriteLine($"Trained in {ProgressLine.Duration(time)}: {trainer.ModelPath}");
    }

    private void ShowProblems(Trainer trainer)
    {
        var sentences = trainer.DataProblems.Sentences();
        foreach (var sentence in sentences)
            screen.Error(sentence);
        if (sentences.Count > 0)
            screen.Error($"The problems with the data are in {trainer.ProblemsPath}.");
    }

    /// <summary>What the trainer does with pictures besides steps.</summary>
    private sealed class PictureLine(Screen screen, Heartbeat heartbeat) : IProgress<TrainerProgress>
    {
        private readonly Lock gate = new();
        private (TrainerWork Work, CheckingLine Line)? latest;

        public void Report(TrainerProgress value)
        {
            lock (gate)
            {
                if (latest is not { } known || known.Work != value.Work)
                    latest = (value.Work, new CheckingLine(screen, heartbeat, Doing(value.Work), value.Total));
                latest.Value.Line.Report(value.Done);
            }
        }

        private static string Doing(TrainerWork work) => work switch
        {
            TrainerWork.CheckingPictures => "Checking the pictures",
            TrainerWork.CheckingValidationPictures => "Checking the pictures to validate on",
            TrainerWork.Validating => "Validating on the pictures",
            _ => throw new ArgumentOutOfRangeException(nameof(work), work, "No such work."),
        };
    }
}
