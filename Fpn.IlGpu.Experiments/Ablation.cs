using System.Globalization;
using System.Text.Json;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Evaluation;
using Fpn.IlGpu.Experiments.Scenes;
using Fpn.IlGpu.Files;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Training;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Experiments;

/// <summary>
/// The paper's ablations at a size that fits the machine: every row of <see cref="PaperTables"/> is trained on the same synthetic
/// scenes with the same budget, and evaluated on scenes held back from training. As in the paper, table 2 uses fixed proposals: those
/// of row c of table 1, first seed. Table 5 uses those of each seed. Each run has its own folder, for example <c>table1-c/seed0</c>. A
/// finished run is not trained again; an interrupted one is resumed.
/// </summary>
public sealed class Ablation
{
    private const string FiguresFile = "figures.json";

    private readonly Device device;
    private readonly TrainingConfiguration common;
    private readonly AblationOptions options;
    private readonly string dataFolder;
    private readonly string folder;
    private readonly IProgress<AblationProgress>? progress;
    private readonly EvaluatedScenes held;
    private readonly Dictionary<string, GivenProposals> heldProposals = [];

    /// <summary>The row of table 1 whose RPN provides the proposals for tables 2 and 5.</summary>
    private static PaperRow Proposing => PaperTables.Proposals.Rows.Single(row => row.Change.Pyramid == PyramidKind.Fpn);

    /// <summary>Prepares the ablations and draws the scenes for evaluation.</summary>
    /// <param name="device">The device to train on; the caller disposes it.</param>
    /// <param name="common">The configuration that all rows are derived from: that of row c of table 1, on synthetic shapes.</param>
    /// <param name="options">The rows to train.</param>
    /// <param name="dataFolder">The folder that the configuration's paths are relative to.</param>
    /// <param name="folder">The folder that holds the runs' folders.</param>
    /// <param name="progress">Receives progress reports.</param>
    /// <exception cref="TrainingException">The configuration does not train on synthetic shapes, or has a validation.</exception>
    public Ablation(
        Device device, TrainingConfiguration common, AblationOptions options, string dataFolder, string folder,
        IProgress<AblationProgress>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(common);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(dataFolder);
        ArgumentException.ThrowIfNullOrEmpty(folder);
        (this.device, this.common, this.options, this.progress) = (device, common, options, progress);
        this.dataFolder = dataFolder;
        this.folder = Path.GetFullPath(folder);
        var shapes = common.Data.Shapes
            ?? throw new TrainingException("An ablation needs 'data.shapes': it holds back some of the scenes for evaluation.");
        if (common.Validation is not null)
            throw new TrainingException("An ablation evaluates its runs on scenes of its own: leave out 'validation'.");
        held = new EvaluatedScenes(
            shapes with { FirstSeed = EvaluatedScenes.FirstHeldSeed, Count = options.HeldScenes });
    }

    /// <summary>The files that the runs write.</summary>
    public IEnumerable<string> Outputs =>
        from seed in Enumerable.Range(0, options.Seeds)
        from table in options.Tables
        from row in table.Rows
        from run in RunsOf(table, row, seed)
        from file in Trainer.Outputs(run).Append(Path.Combine(run, FiguresFile)).Append(TrainingProposalsOf(run))
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
        var detectorKind = row.Change.Training == RowTraining.Joint ? DetectorKind.FasterRcnn : table.Detector;
        // Table 2 compares rows on the same proposals.
        var rpn = detectorKind != DetectorKind.FastRcnn ? null : FolderOf(PaperTables.Proposals, Proposing, table == PaperTables.Objects ? 0 : seed);
        var configuration = row.Change.Apply(common, detectorKind, rpn is null ? null : TrainingProposalsOf(rpn), seed);
        var file = Path.Combine(run, FiguresFile);
        if (Recorded.Read(file, configuration, options.HeldScenes) is { } known)
            return new AblationResult(table, row, seed, known.Figures, TimeSpan.FromSeconds(known.Seconds));

        if (rpn is not null)
        {
            Result(PaperTables.Proposals, Proposing, table == PaperTables.Objects ? 0 : seed, stop);
            Propose(rpn, stop);
        }
        var name = $"table {table.Number}, row {row.Letter}, seed {seed}";
        var time = TimeSpan.Zero;
        if (row.Change.Training == RowTraining.Alternating)
            (run, rpn) = TrainOnSharedFeatures(table, configuration, run, seed, name, ref time, stop);
        else
            time = Train(configuration, run, name, stop);
        var figures = Evaluate(run, rpn, stop);
        Recorded.Write(file, new Recorded(configuration.ToJson(), options.HeldScenes, figures, time.TotalSeconds));
        return new AblationResult(table, row, seed, figures, time);
    }

    // The first two steps are the table's row without shared features.
    private (string FastRcnn, string Rpn) TrainOnSharedFeatures(
        PaperTable table, TrainingConfiguration fastRcnn, string run, int seed, string name, ref TimeSpan time, CancellationToken stop)
    {
        var apart = table.Rows.Single(row => row.Change.Training == RowTraining.Usual);
        time += Result(table, apart, seed, stop).Time;
        var features = common.Network with { Weights = Path.Combine(FolderOf(table, apart, seed), "model.safetensors"), FrozenPyramid = true };
        var (third, fourth) = (StepOf(run, 3), StepOf(run, 4));
        var rpn = Proposing.Change.Apply(common with { Network = features }, DetectorKind.ProposalNetwork, null, seed);
        time += Train(rpn, third, name + ", step 3", stop);
        Propose(third, stop);
        time += Train(
            fastRcnn with { Network = features, Data = fastRcnn.Data with { Proposals = TrainingProposalsOf(third) } }, fourth, name + ", step 4", stop);
        return (fourth, third);
    }

    private double[] Evaluate(string run, string? rpn, CancellationToken stop)
    {
        using var detector = Detector.Load(device, Path.Combine(run, "model.safetensors"));
        return detector switch
        {
            ProposalNetwork => Recalls(held.Propose(detector, stop)),
            MaskProposalNetwork => MaskRecalls(held.Propose(detector, stop)),
            _ => Precisions(held.Detect(detector, rpn is null ? null : heldProposals[rpn].OfPicture, stop)),
        };
    }

    private IEnumerable<string> RunsOf(PaperTable table, PaperRow row, int seed)
    {
        var run = FolderOf(table, row, seed);
        return row.Change.Training == RowTraining.Alternating ? [run, StepOf(run, 3), StepOf(run, 4)] : [run];
    }

    private static string StepOf(string run, int step) => Path.Combine(run, string.Create(CultureInfo.InvariantCulture, $"step{step}"));

    private static string TrainingProposalsOf(string run) => Path.Combine(run, "proposals-training.json");

    private string FolderOf(PaperTable table, PaperRow row, int seed) => Path.Combine(
        folder, string.Create(CultureInfo.InvariantCulture, $"table{table.Number}-{row.Letter}"),
        string.Create(CultureInfo.InvariantCulture, $"seed{seed}"));

    private TimeSpan Train(TrainingConfiguration configuration, string run, string name, CancellationToken stop)
    {
        var isBegun = File.Exists(Path.Combine(run, "checkpoint.safetensors"));
        using var trainer = Trainer.Open(device, configuration, dataFolder, run, resume: isBegun, SceneTraining.ScenesOf(configuration));
        var time = TimeSpan.Zero;
        foreach (var step in trainer.Run(stop))
        {
            time += step.Time;
            progress?.Report(new AblationProgress(name, step.Step, trainer.Steps));
        }
        stop.ThrowIfCancellationRequested();
        progress?.Report(new AblationProgress(name, null, trainer.Steps));
        return time;
    }

    /// <summary>Computes an RPN's proposals on the training scenes and on those that are held back.</summary>
    private void Propose(string run, CancellationToken stop)
    {
        if (heldProposals.ContainsKey(run))
            return;
        progress?.Report(new AblationProgress("proposals for Fast R-CNN", null, 0));
        using var rpn = (ProposalNetwork)Detector.Load(device, Path.Combine(run, "model.safetensors"));
        if (!File.Exists(TrainingProposalsOf(run)))
        {
            var shapes = common.Data.Shapes!;
            var scenes = new EvaluatedScenes(shapes);
            using var file = UnfinishedFile.Create(TrainingProposalsOf(run));
            scenes.Propose(rpn, stop).Write(file.Stream);
            file.Complete();
        }
        heldProposals.Add(run, GivenProposals.Of(held.Propose(rpn, stop).Objects, rpn.Configuration.RpnPostNmsTopN));
    }

    private double[] Recalls(EvaluationResults results)
    {
        var figures = CocoEvaluation.Of(held.Truth, results).ProposalFigures.ToDictionary(f => f.Name, Percent);
        return
        [
            figures["AR@10 all"], figures["AR@100 all"], figures["AR@1000 all"],
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
