using System.Diagnostics;
using System.Globalization;
using Fpn.IlGpu.Data;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Evaluation;
using Fpn.IlGpu.Files;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Training;

/// <summary>
/// Trains a detector as configured, and writes the results to the run's folder:
/// <code>
/// using var trainer = Trainer.Open(device, TrainingConfiguration.Load("shapes.json"), ".", "run", resume: false);
/// foreach (var step in trainer.Run())
///     Console.WriteLine($"{step.Step}: {step.Loss}");
/// </code>
/// The folder gets <c>training.csv</c> (every step), <c>problems.txt</c> (if the data have any) and, with each checkpoint,
/// <c>checkpoint.safetensors</c> (to resume from) and <c>model.safetensors</c> in FP16 for <c>Detector.Load</c>. With validation,
/// <c>best.safetensors</c> is the best such model so far. The same configuration and seed give the same weights on the same device,
/// whether or not the run was interrupted and resumed, or validated.
/// </summary>
public sealed class Trainer : IDisposable
{
    private readonly Device device;
    private readonly TrainingConfiguration configuration;
    private readonly TrainingSource source;
    private readonly Detector detector;
    private readonly DetectorTraining training;
    private readonly TrainingSchedule schedule;
    private readonly RunFolder folder;
    private readonly ProblemLimit limit;
    private readonly FileLock held;
    private readonly ResumableRun run;
    private readonly Validator? validator;
    private ValidationRecord? validations;
    private AnnotationProblems problems;

    private Trainer(
        Device device, TrainingConfiguration configuration, TrainingSource source, Detector detector, RunFolder folder, ProblemLimit limit,
        FileLock held, IProgress<TrainerProgress>? progress)
    {
        this.device = device;
        this.configuration = configuration;
        this.source = source;
        this.detector = detector;
        this.folder = folder;
        this.limit = limit;
        this.held = held;
        problems = source.Problems;
        schedule = configuration.Schedule.InSteps(source.Pictures.Count);
        run = new ResumableRun(configuration, source.Classes, source.Digest, Steps);
        training = new DetectorTraining(detector, configuration, source.ProposalsOfSample);
        if (source.Validation is { } set)
        {
            validator = new Validator(detector, set, configuration.Data.Workers, progress);
            validations = new ValidationRecord(DataDigest.Of(set.Truth));
        }
    }

    /// <summary>The number of steps of the run.</summary>
    public int Steps => schedule.Steps!.Value;

    /// <summary>The number of steps done so far, including those before the run was resumed.</summary>
    public int StepsDone { get; private set; }

    /// <summary>The number of steps that were done when the last checkpoint was written; 0 if there is none.</summary>
    public int StepsSaved { get; private set; }

    /// <summary>Whether the run has ended, after its last step or because its patience is exhausted.</summary>
    public bool IsFinished => (StepsDone == Steps || IsOutOfPatience) && !IsValidationMissing;

    /// <summary>Whether as many validations in a row as <c>validation.patience</c> were no better than the best one before them.</summary>
    public bool IsOutOfPatience => validations is not null && validations.Worse >= configuration.Validation!.Patience;

    /// <summary>The number of steps after which the best validation was; null for none yet.</summary>
    public int? BestStep => validations is { BestStep: > 0 } known ? known.BestStep : null;

    /// <summary>The best figure of the validations so far; null for none yet.</summary>
    public EvaluationFigure? Best => BestStep is null ? null : new EvaluationFigure(Validator.FiguresOf(detector)[0], validations!.Best);

    /// <summary>The path of the trained model, which is written with each checkpoint.</summary>
    public string ModelPath => folder.Model;

    /// <summary>The path of the best model so far; it is written if the run is validated.</summary>
    public string BestPath => folder.Best;

    /// <summary>The path of the checkpoint, from which a run can be resumed.</summary>
    public string CheckpointPath => folder.Checkpoint;

    /// <summary>The path of the log, which has the losses of every step.</summary>
    public string LogPath => folder.Log;

    /// <summary>What is wrong with the data, as far as it is known by now, and was skipped or corrected.</summary>
    public AnnotationProblems DataProblems => problems;

    /// <summary>The path of the list of all problems with the data, which is written if there are any.</summary>
    public string ProblemsPath => limit.Path;

    /// <summary>A description of the network and the data, for users.</summary>
    public string Description { get; private init; } = "";

    /// <summary>What the network took from the weights that the configuration names; null without them.</summary>
    public LoadedWeights? Weights { get; private init; }

    /// <summary>
    /// The detector that is trained. Between two steps it can find objects with the weights that it has so far; it needs no file.
    /// </summary>
    public Detector Detector => detector;

    /// <summary>The parameters of the network.</summary>
    internal ParameterSet Parameters => detector.Parameters;

    // Of the last step, where the run was stopped while it was validated.
    private bool IsValidationMissing => validations is not null && validations.LastStep < StepsDone && IsValidationDue;

    private bool IsValidationDue => StepsDone > 0
        && (StepsDone == Steps || configuration.Validation!.IsDue(StepsDone, schedule, source.Pictures.Count));

    /// <summary>
    /// Opens a run on pictures of your own:
    /// <code>
    /// var pictures = new TrainingPictures(new MyPictures(), ["cat", "dog"]);          // IPictureSource
    /// var configuration = new TrainingConfiguration { Schedule = new() { Steps = 2000, Batch = 4 } };
    /// using var trainer = Trainer.Open(device, configuration, pictures, "run");
    /// foreach (var step in trainer.Run())
    ///     Console.WriteLine($"{step.Step}: {step.Loss}");                              // after each step
    /// using var detector = Detector.Load(device, trainer.ModelPath);
    /// </code>
    /// </summary>
    /// <param name="device">The device to train on; the caller disposes it.</param>
    /// <param name="configuration">The configuration of the run; its <c>Data</c> names no files.</param>
    /// <param name="pictures">The pictures, their classes, and if you like others to validate on.</param>
    /// <param name="folder">The folder of the run; it is created if it is missing.</param>
    /// <param name="resume">Whether to resume from the folder's checkpoint.</param>
    /// <param name="backbone">A backbone of your own (see <see cref="IBackbone"/>), or null for the one that the configuration names.</param>
    /// <param name="progress">Receives how far validating is; null for nobody.</param>
    /// <exception cref="TrainingException">
    /// The configuration has an invalid value; the folder can't be created; another process trains in it; there is no checkpoint of this run
    /// to resume from; or a new run would replace a checkpoint.
    /// </exception>
    /// <exception cref="AnnotationException">There is nothing to learn from.</exception>
    /// <exception cref="WeightsException">The weights to start from are missing, broken, or don't fit.</exception>
    /// <exception cref="DeviceException">The device is out of memory or failed.</exception>
    public static Trainer Open(
        Device device, TrainingConfiguration configuration, TrainingPictures pictures, string folder, bool resume = false,
        BackboneLayout? backbone = null, IProgress<TrainerProgress>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(pictures);
        return Open(device, configuration, dataFolder: ".", folder, resume, pictures, backbone, progress: progress);
    }

    /// <summary>Opens a run.</summary>
    /// <param name="device">The device to train on; the caller disposes it.</param>
    /// <param name="configuration">The configuration of the run.</param>
    /// <param name="dataFolder">The folder that the configuration's paths are relative to.</param>
    /// <param name="folder">The folder of the run; it is created if it is missing.</param>
    /// <param name="resume">Whether to resume from the folder's checkpoint.</param>
    /// <param name="pictures">The pictures to train on, or null for the files that the configuration names.</param>
    /// <param name="backbone">A backbone of your own (see <see cref="IBackbone"/>), or null for the one that the configuration names.</param>
    /// <param name="allowProblems">Whether to train even if more than one per cent of the data can't be used.</param>
    /// <param name="progress">Receives how far checking and validating pictures is, from several threads; null for nobody.</param>
    /// <exception cref="TrainingException">
    /// The configuration has an invalid value; the folder can't be created; another process trains in it; there is no checkpoint of this run
    /// to resume from; or a new run would replace a checkpoint or a file that it reads.
    /// </exception>
    /// <exception cref="AnnotationException">
    /// The data are missing or broken, have no picture to train on, or more than one per cent of them can't be used.
    /// </exception>
    /// <exception cref="WeightsException">The weights to start from are missing, broken, or don't fit.</exception>
    /// <exception cref="DeviceException">The device is out of memory or failed.</exception>
    public static Trainer Open(
        Device device, TrainingConfiguration configuration, string dataFolder, string folder, bool resume, TrainingPictures? pictures = null,
        BackboneLayout? backbone = null, bool allowProblems = false, IProgress<TrainerProgress>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(configuration);
        ArgumentNullException.ThrowIfNull(dataFolder);
        ArgumentNullException.ThrowIfNull(folder);
        configuration.Check("The configuration", hasPictures: pictures is not null);
        var files = new RunFolder(folder);
        var limit = new ProblemLimit(files.Problems, allowProblems);
        var source = TrainingSource.Open(configuration, dataFolder, pictures, limit, progress);
        using var start = StartingWeights.Open(configuration.Network, dataFolder);
        var model = configuration.ModelConfiguration(source.Classes, start);
        var layout = DetectorLayouts.Of(configuration.Network, model, backbone);
        using var definition = new DetectorNetwork(layout);
        using var state = InitialWeights.Of(definition, configuration, model, start, out var loaded);
        if (loaded is not null)
        {
            var usual = configuration.ModelConfiguration(source.Classes);
            loaded = loaded with { Conventions = StartingWeights.KeysTaken(configuration, usual, model) };
        }
        files.CheckInputs(configuration, source, dataFolder);
        files.Create();
        var held = files.Lock();
        try
        {
            files.CheckBegun(resume);
            lock (device.Lock)
            {
                return device.Guard(() =>
                {
                    var frozen = configuration.Network.FrozenPyramid
                        ? definition.Backbone.Parts.Append(DetectorNetwork.PyramidName)
                        : definition.Backbone.Parts.Take(configuration.Network.FrozenStages);
                    var plan = new TrainingPlan(configuration.Network.BatchNorm, [.. frozen]);
                    var detector = Detector.Load(device, state, plan, backbone: backbone);
                    var trainer = new Trainer(device, configuration, source, detector, files, limit, held, progress)
                    {
                        Description = Describe(
                            backbone is null ? configuration.Network.Layout : definition.Backbone.Description, source),
                        Weights = loaded,
                    };
                    if (resume)
                    {
                        trainer.StepsDone = trainer.StepsSaved = TrainingCheckpoint.Restore(
                            trainer.CheckpointPath, trainer.Parameters, trainer.run, detector.Configuration, ref trainer.validations);
                    }
                    // An earlier run's list.
                    if (source.Problems.Total == 0)
                        File.Delete(limit.Path);
                    return trainer;
                });
            }
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Copies the weights that the detector has so far to the host, in float32, with its configuration: to save them elsewhere
    /// (<see cref="Checkpoint.Save(StateDictionary, string, DataType)"/>), or to load them as another detector.
    /// </summary>
    /// <exception cref="DeviceException">The device failed.</exception>
    public StateDictionary CopyWeights() => Locked(detector.ToState);

    /// <summary>The files that a run writes into its folder.</summary>
    internal static IEnumerable<string> Outputs(string folder) => new RunFolder(folder).Outputs;

    /// <summary>
    /// Trains: each element of the enumeration is one step. A step whose validation was stopped comes again, with its validation, when
    /// the run is resumed.
    /// </summary>
    /// <param name="cancellation">Stops after the current step, or in its validation, and writes a checkpoint.</param>
    /// <exception cref="TrainingException">
    /// A loss or the norm of the gradients is not finite: training has diverged. The last checkpoint is kept.
    /// </exception>
    /// <exception cref="AnnotationException">
    /// More than one per cent of the pictures can't be used, as decoding them shows. A checkpoint of the last step is written.
    /// </exception>
    /// <exception cref="DeviceException">The device is out of memory or failed.</exception>
    public IEnumerable<TrainingStep> Run(CancellationToken cancellation = default)
    {
        if (IsFinished)
        {
            WriteModel(ModelPath);
            yield break;
        }
        using var loader = new SampleLoader(
            source.Pictures, TrainingSamples.Options(configuration, detector.Configuration, StepsDone));
        using var log = TrainingLog.Open(LogPath, StepsDone, source.Validation is null ? [] : Validator.FiguresOf(detector));
        if (IsValidationMissing && Validate(cancellation) is { } missing)
        {
            Save();
            if (log.Add(missing) is { } step)
                yield return step;
        }
        while (StepsDone < Steps && !IsOutOfPatience && !cancellation.IsCancellationRequested)
        {
            var step = Step(loader, cancellation);
            log.Add(step);
            CheckProblems(loader);
            if (StepsDone % schedule.CheckpointEvery == 0 || IsFinished || cancellation.IsCancellationRequested)
                Save();
            yield return step;
        }
        // The caller may have cancelled between two steps.
        if (StepsSaved != StepsDone)
            Save();
    }

    private TrainingStep Step(SampleLoader loader, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        var rate = schedule.RateAt(StepsDone);
        SampleBatch[] batches = [.. Enumerable.Range(0, schedule.Accumulate).Select(_ => loader.Next())];
        CheckProblems(loader);
        var losses = Learn(batches, rate);
        StepsDone++;
        var time = clock.Elapsed;
        return new TrainingStep(StepsDone, losses, rate, time)
        {
            Validation = validations is not null && IsValidationDue ? Validate(cancellation) : null,
        };
    }

    // Null if it was stopped.
    private ValidationResult? Validate(CancellationToken cancellation)
    {
        if (validator!.Run(cancellation) is not { } figures)
            return null;
        validations = validations!.With(StepsDone, figures[0].Value);
        var isBest = validations.BestStep == StepsDone;
        if (isBest)
            WriteModel(BestPath);
        return new ValidationResult(StepsDone, figures, isBest);
    }

    // The structure of all pictures was checked, but some faults appear only when a picture is decoded.
    private void CheckProblems(SampleLoader loader)
    {
        var all = new AnnotationProblems();
        all.Add(source.Problems);
        all.Add(loader.Problems);
        if (validator is not null)
            all.Add(validator.Problems);
        if (all.Total == problems.Total)
            return;
        problems = all;
        try
        {
            problems.Check(limit.IsLifted, limit.Path);
        }
        catch (AnnotationException) when (StepsDone > 0)
        {
            Save();
            throw;
        }
    }

    /// <summary>Frees the device memory of the run.</summary>
    public void Dispose()
    {
        lock (device.Lock)
        {
            detector.Dispose();
        }
        held.Dispose();
    }

    private List<KeyValuePair<string, float>> Learn(IReadOnlyList<SampleBatch> batches, float rate) => Locked(()
    =>
    {
        using var scope = device.Memory.BeginPicture();
        var losses = Gradients(batches);
        if (losses.FirstOrDefault(loss => !float.IsFinite(loss.Value)) is { Key: not null } broken)
            throw RunAway($"the loss '{broken.Key}'", batches, rate);
        var norm = Parameters.Step(new SgdStep.Settings(rate, schedule.Momentum, schedule.WeightDecay, schedule.GradientNorm));
        if (!float.IsFinite(norm))
            throw RunAway("the norm of the gradients", batches, rate);
        // The step succeeded: keep the memory that layers rented during it.
        scope.Keep();
        return losses;
    });

    /// <summary>Adds up the gradients of all batches of a step.</summary>
    /// <returns>The losses by name: the means over the batches.</returns>
    private List<KeyValuePair<string, float>> Gradients(IReadOnlyList<SampleBatch> batches, bool isWatched = false)
    {
        var ofBatches = batches.Select(batch => training.Gradients(batch, isWatched, share: 1f / batches.Count)).ToList();
        return [.. ofBatches[0].Keys.Select(name => KeyValuePair.Create(name, ofBatches.Sum(losses => losses[name])))];
    }

    private TrainingException RunAway(string what, IReadOnlyList<SampleBatch> batches, float rate)
    {
        var kept = File.Exists(CheckpointPath) ? $" {CheckpointPath} holds the state before the failure." : "";
        var norm = configuration.Schedule.GradientNorm > 0 ? "a lower" : "a";
        return new TrainingException(string.Create(
            CultureInfo.InvariantCulture,
            $"In step {StepsDone + 1}, at a learning rate of {rate:G3}, {what} is not finite; {FirstNotFinite(batches)}. "
            + $"Try a lower 'schedule.learning_rate', a longer 'schedule.warmup_steps' or {norm} 'schedule.gradient_norm'.{kept}"));
    }

    /// <summary>Computes the step again and checks every layer.</summary>
    private string FirstNotFinite(IReadOnlyList<SampleBatch> batches)
    {
        try
        {
            Parameters.DropGradients();
            Gradients(batches, isWatched: true);
            return "all weights, outputs and gradients of the layers are finite, but their sums are too large for float32";
        }
        catch (NotFiniteException e)
        {
            return $"the first value that is not finite is {e.Message}";
        }
    }

    private void Save()
    {
        Locked(() => TrainingCheckpoint.Write(CheckpointPath, Parameters, StepsDone, run, detector.Configuration, validations));
        WriteModel(ModelPath);
        StepsSaved = StepsDone;
    }

    // With pixels of 0 to 255, as Detectron2's models take them, the variances of a batch norm can exceed what FP16 holds.
    private void WriteModel(string path) => Locked(() =>
    {
        List<StateTensor> tensors = [.. Parameters.All.Select(p => p.ToTensor())];
        var fits = tensors.TrueForAll(tensor => Array.TrueForAll(tensor.ToArray(), value => MathF.Abs(value) <= (float)Half.MaxValue));
        Safetensors.Write(path, tensors, fits ? DataType.F16 : DataType.F32, Metadata());
    });

    private Dictionary<string, string> Metadata() => new()
    {
        [ModelConfiguration.MetadataKey] = ModelConfigurationJson.Write(detector.Configuration),
    };

    private void Locked(Action work) => Locked(()
    =>
    {
        work();
        return 0;
    });

    private T Locked<T>(Func<T> work)
    {
        lock (device.Lock)
            return device.Guard(work);
    }

    private static string Describe(string network, TrainingSource source) => string.Create(
        CultureInfo.InvariantCulture,
        $"{network}, {source.Classes.Count} classes, {source.Pictures.Count} pictures"
        + $"{(source.Validation is { } set ? $" and {set.Truth.Pictures.Count} to validate" : "")}");
}
