using System.Globalization;
using System.Text.Json;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Evaluation;
using Fpn.IlGpu.Experiments.Scenes;
using Fpn.IlGpu.Files;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Training;

namespace Fpn.IlGpu.Experiments;

/// <summary>
/// The paper's ablations at a size that fits the machine: every row of <see cref="PaperTables"/> is trained on the same synthetic
/// scenes with the same budget, and evaluated on scenes held back from training. As in the paper, table 2 uses fixed proposals: those
/// of row c of table 1, first seed. Each run has its own folder, for example <c>table1-c/seed0</c>. A finished run is not trained
/// again; an interrupted one is resumed.
/// </summary>
public sealed class Ablation
{
    private const string FiguresFile = "figures.json";

    private readonly Device device;
    private readonly TrainingConfiguration common;
    private readonly AblationOptions options;
    private readonly string folder;
    private readonly IProgress<AblationProgress>? progress;
    private readonly EvaluatedScenes held;
    private GivenProposals? heldProposals;

    /// <summary>The row of table 1 whose RPN provides the proposals for table 2.</summary>
    private static PaperRow Proposing => PaperTables.Proposals.Rows.Single(row => row.Change.Pyramid == Weights.PyramidKind.Fpn);

    private string TrainingProposals => Path.Combine(FolderOf(PaperTables.Proposals, Proposing, seed: 0), "proposals-training.json");

    /// <summary>Prepares the ablations and draws the scenes for evaluation.</summary>
    /// <param name="device">The device to train on; the caller disposes it.</param>
    /// <param name="common">The configuration that all rows are derived from: that of row c of table 1, on synthetic shapes.</param>
    /// <param name="options">The rows to train.</param>
    /// <param name="folder">The folder that holds the runs' folders.</param>
    /// <param name="progress">Receives progress reports.</param>
    /// <exception cref="TrainingException">The configuration does not train on synthetic shapes.</exception>
    public Ablation(
        Device device, TrainingConfiguration common, AblationOptions options, string folder, IProgress<AblationProgress>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(common);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentException.ThrowIfNullOrEmpty(folder);
        (this.device, this.common, this.options, this.progress) = (device, common, options, progress);
        this.folder = Path.GetFullPath(folder);
        var shapes = common.Data.Shapes
            ?? throw new TrainingException("An ablation needs 'data.shapes': it holds back some of the scenes for evaluation.");
        held = new EvaluatedScenes(
            SyntheticPictures.Of(shapes with { FirstSeed = EvaluatedScenes.FirstHeldSeed, Count = options.HeldScenes }), options.HeldScenes);
    }

    /// <summary>The files that the runs write.</summary>
    public IEnumerable<string> Outputs =>
        from seed in Enumerable.Range(0, options.Seeds)
        from table in options.Tables
        from row in table.Rows
        let run = FolderOf(table, row, seed)
        from file in Trainer.Outputs(run).Append(Path.Combine(run, FiguresFile)).Append(TrainingProposals)
        select file;

    /// <summary>Trains and evaluates all rows with one seed, then all rows with the next.</summary>
    /// <param name="stop">Stops the ablation; the runs so far are kept.</param>
    /// <exception cref="TrainingException">A run's loss is not finite, or its folder can't be written.</exception>
    /// <exception cref="DeviceException">The device is out of memory or failed.</exception>
    /// <exception cref="OperationCanceledException">The ablation was stopped.</exception>
    public IEnumerable<AblationResult> Run(CancellationToken stop = default)
    {
        for (var seed = 0; seed < options.Seeds; seed++)
        {
            foreach (var table in options.Tables)
            {
                foreach (var row in table.Rows.Where(row => options.Rows.Contains(row.Letter, StringComparison.Ordinal)))
                    yield return Result(table, row, seed, stop);
            }
        }
    }

    private AblationResult Result(PaperTable table, PaperRow row, int seed, CancellationToken stop)
    {
        var run = FolderOf(table, row, seed);
        var isGiven = table == PaperTables.Objects;
        var configuration = row.Change.Apply(common, table.Detector, isGiven ? TrainingProposals : null, seed);
        var file = Path.Combine(run, FiguresFile);
        if (Recorded.Read(file, configuration, options.HeldScenes) is { } known)
            return new AblationResult(table, row, seed, known.Figures, TimeSpan.FromSeconds(known.Seconds));

        if (isGiven)
            FixProposals(stop);
        var time = Train(configuration, run, $"table {table.Number}, row {row.Letter}, seed {seed}", stop);
        using var detector = Detector.Load(device, Path.Combine(run, "model.safetensors"));
        var figures = detector switch
        {
            ProposalNetwork => Recalls(held.Propose(detector, stop)),
            MaskProposalNetwork => MaskRecalls(held.Propose(detector, stop)),
            _ => Precisions(held.Detect(detector, HeldProposals, stop)),
        };
        Recorded.Write(file, new Recorded(configuration.ToJson(), options.HeldScenes, figures, time.TotalSeconds));
        return new AblationResult(table, row, seed, figures, time);
    }

    private string FolderOf(PaperTable table, PaperRow row, int seed) => Path.Combine(
        folder, string.Create(CultureInfo.InvariantCulture, $"table{table.Number}-{row.Letter}"),
        string.Create(CultureInfo.InvariantCulture, $"seed{seed}"));

    private TimeSpan Train(TrainingConfiguration configuration, string run, string name, CancellationToken stop)
    {
        var isBegun = File.Exists(Path.Combine(run, "checkpoint.safetensors"));
        using var trainer = Trainer.Open(device, configuration, folder, run, resume: isBegun, SceneTraining.ScenesOf(configuration));
        var time = TimeSpan.Zero;
        foreach (var step in trainer.Run(stop))
        {
            time += step.Time;
            progress?.Report(new AblationProgress(name, step.Step, configuration.Schedule.Steps));
        }
        stop.ThrowIfCancellationRequested();
        progress?.Report(new AblationProgress(name, null, configuration.Schedule.Steps));
        return time;
    }

    /// <summary>Computes the proposals for all rows of table 2, on the training scenes and on the held-back scenes.</summary>
    private void FixProposals(CancellationToken stop)
    {
        if (heldProposals is not null)
            return;
        Result(PaperTables.Proposals, Proposing, seed: 0, stop);
        progress?.Report(new AblationProgress("the proposals for table 2", null, common.Schedule.Steps));
        using var rpn = (ProposalNetwork)Detector.Load(
            device, Path.Combine(FolderOf(PaperTables.Proposals, Proposing, seed: 0), "model.safetensors"));
        if (!File.Exists(TrainingProposals))
        {
            var shapes = common.Data.Shapes!;
            var scenes = new EvaluatedScenes(SyntheticPictures.Of(shapes), shapes.Count);
            using var file = UnfinishedFile.Create(TrainingProposals);
            scenes.Propose(rpn, stop).Write(file.Stream);
            file.Complete();
        }
        heldProposals = GivenProposals.Of(held.Propose(rpn, stop).Objects, rpn.Configuration.RpnPostNmsTopN);
    }

    private IReadOnlyList<Box> HeldProposals(long id) => heldProposals!.OfPicture(id);

    private double[] Recalls(EvaluationResults results)
    {
        var figures = CocoEvaluation.Of(held.Truth, results).ProposalFigures.ToDictionary(f => f.Name, Percent);
        return
        [
            figures["AR@100 all"], figures["AR@1000 all"],
            figures["AR@1000 small"], figures["AR@1000 medium"], figures["AR@1000 large"],
        ];
    }

    private double[] MaskRecalls(EvaluationResults results)
    {
        var figures = CocoEvaluation.Of(held.Truth, results, EvaluationKind.Mask).ProposalFigures.ToDictionary(f => f.Name, Percent);
        return [figures["AR@1000 all"], figures["AR@1000 small"], figures["AR@1000 medium"], figures["AR@1000 large"]];
    }

    private double[] Precisions(EvaluationResults results)
    {
        var figures = CocoEvaluation.Of(held.Truth, results).Figures.ToDictionary(f => f.Name, Percent);
        return [figures["AP50"], figures["AP"], figures["APs"], figures["APm"], figures["APl"]];
    }

    // Keep -1, which means that there are no objects of that size.
    private static double Percent(EvaluationFigure figure) => figure.Value < 0 ? figure.Value : 100 * figure.Value;

    /// <summary>The result of a run, with the settings that identify it.</summary>
    private sealed record Recorded(string Configuration, int HeldScenes, double[] Figures, double Seconds)
    {
        public static Recorded? Read(string file, TrainingConfiguration configuration, int heldScenes)
        {
            if (!File.Exists(file))
                return null;
            var known = JsonSerializer.Deserialize<Recorded>(File.ReadAllText(file));
            return known is not null && known.Configuration == configuration.ToJson() && known.HeldScenes == heldScenes ? known : null;
        }

        public static void Write(string path, Recorded recorded)
        {
            using var file = UnfinishedFile.Create(path);
            JsonSerializer.Serialize(file.Stream, recorded);
            file.Complete();
        }
    }
}
