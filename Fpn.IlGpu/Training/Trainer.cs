using System.Diagnostics;
using System.Globalization;
using Fpn.IlGpu.Data;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Files;
using Fpn.IlGpu.Imaging;
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
/// The folder gets <c>training.csv</c> (every step), <c>loss.png</c>, <c>checkpoint.safetensors</c> (to resume from), <c>problems.txt</c>
/// (if the data have any) and, after the last step, <c>model.safetensors</c> in FP16 for <c>Detector.Load</c>. The same configuration
/// and seed give the same weights on the same device, whether or not the run was interrupted and resumed.
/// </summary>
public sealed class Trainer : IDisposable
{
    private const string CheckpointFile = "checkpoint.safetensors";
    private const string ModelFile = "model.safetensors";
    private const string LogFile = "training.csv";
    private const string PictureFile = "loss.png";
    private const string ProblemsFile = "problems.txt";

    private readonly Device device;
    private readonly TrainingConfiguration configuration;
    private readonly TrainingSource source;
    private readonly Detector detector;
    private readonly DetectorTraining training;
    private readonly string folder;
    private readonly ProblemLimit limit;
    private readonly FileLock held;
    private readonly ResumableRun run;
    private AnnotationProblems problems;
    private int savedAt;

    private Trainer(
        Device device, TrainingConfiguration configuration, TrainingSource source, Detector detector, string folder, ProblemLimit limit,
        FileLock held)
    {
        this.device = device;
        this.configuration = configuration;
        this.source = source;
        this.detector = detector;
        this.folder = folder;
        this.limit = limit;
        this.held = held;
        problems = source.Problems;
        run = new ResumableRun(configuration, source.Classes, source.Digest);
        training = new DetectorTraining(detector, configuration, source.ProposalsOfSample);
    }

    /// <summary>The number of steps done so far, including those before the run was resumed.</summary>
    public int StepsDone { get; private set; }

    /// <summary>The path of the trained model, which is written after the last step.</summary>
    public string ModelPath => Path.Combine(folder, ModelFile);

    /// <summary>The path of the checkpoint, from which a run can be resumed.</summary>
    public string CheckpointPath => Path.Combine(folder, CheckpointFile);

    /// <summary>The path of the log, which has the losses of every step.</summary>
    public string LogPath => Path.Combine(folder, LogFile);

    /// <summary>What is wrong with the data, as far as it is known by now, and was skipped or corrected.</summary>
    public AnnotationProblems DataProblems => problems;

    /// <summary>The path of the list of all problems with the data, which is written if there are any.</summary>
    public string ProblemsPath => limit.Path;

    /// <summary>A description of the network and the data, for users.</summary>
    public string Description { get; private init; } = "";

    /// <summary>
    /// The detector that is trained. Between two steps it can find objects with the weights that it has so far; it needs no file.
    /// </summary>
    public Detector Detector => detector;

    /// <summary>The parameters of the network.</summary>
    internal ParameterSet Parameters => detector.Parameters;

    private string PicturePath => Path.Combine(folder, PictureFile);

    /// <summary>Opens a run.</summary>
    /// <param name="device">The device to train on; the caller disposes it.</param>
    /// <param name="configuration">The configuration of the run.</param>
    /// <param name="dataFolder">The folder that the configuration's paths are relative to.</param>
    /// <param name="folder">The folder of the run; it is created if it is missing.</param>
    /// <param name="resume">Whether to resume from the folder's checkpoint.</param>
    /// <param name="pictures">The pictures to train on, or null for the files that the configuration names.</param>
    /// <param name="backbone">A backbone of your own (see <see cref="IBackbone"/>), or null for the one that the configuration names.</param>
    /// <param name="allowProblems">Whether to train even if more than one per cent of the data can't be used.</param>
    /// <exception cref="TrainingException">
    /// The folder can't be created; another process trains in it; there is no checkpoint of this run to resume from; or a new run would
    /// replace a checkpoint or a file that it reads.
    /// </exception>
    /// <exception cref="AnnotationException">
    /// The data are missing or broken, have no picture to train on, or more than one per cent of them can't be used.
    /// </exception>
    /// <exception cref="WeightsException">The weights to start from are missing, broken, or don't fit.</exception>
    /// <exception cref="DeviceException">The device is out of memory or failed.</exception>
    public static Trainer Open(
        Device device, TrainingConfiguration configuration, string dataFolder, string folder, bool resume, TrainingPictures? pictures = null,
        BackboneLayout? backbone = null, bool allowProblems = false)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(configuration);
        ArgumentNullException.ThrowIfNull(dataFolder);
        ArgumentNullException.ThrowIfNull(folder);
        var limit = new ProblemLimit(Path.Combine(folder, ProblemsFile), allowProblems);
        var source = TrainingSource.Open(
            configuration.Data, dataFolder, configuration.Rpn.PostNmsTopN, configuration.LearnsMasks, pictures, limit);
        var model = configuration.ModelConfiguration(source.Classes);
        var layout = DetectorLayouts.Of(configuration.Network, model, backbone);
        using var definition = new DetectorNetwork(layout);
        using var state = InitialWeights.Of(definition.Layers, configuration, model, dataFolder, out var taken);
        CheckInputs(configuration, source, dataFolder, folder);
        Create(folder);
        var held = Lock(folder);
        try
        {
            CheckBegun(Path.Combine(folder, CheckpointFile), resume);
            lock (device.Lock)
            {
                return device.Guard(() =>
                {
                    var frozen = configuration.Network.FrozenPyramid
                        ? definition.Backbone.Parts.Append(DetectorNetwork.PyramidName)
                        : definition.Backbone.Parts.Take(configuration.Network.FrozenStages);
                    var plan = new TrainingPlan(configuration.Network.BatchNorm, [.. frozen]);
                    var detector = Detector.Load(device, state, plan, backbone: backbone);
                    var trainer = new Trainer(device, configuration, source, detector, folder, limit, held)
                    {
                        Description = Describe(
                            backbone is null ? configuration.Network.Layout : definition.Backbone.Description, configuration, source, taken),
                    };
                    if (resume)
                        trainer.StepsDone = trainer.savedAt = TrainingCheckpoint.Restore(trainer.CheckpointPath, trainer.Parameters, trainer.run);
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

    /// <summary>The files that a run writes into its folder.</summary>
    internal static IEnumerable<string> Outputs(string folder)
        => ((string[])[CheckpointFile, ModelFile, LogFile, PictureFile, ProblemsFile]).Select(file => Path.Combine(folder, file));

    /// <summary>Trains: each element of the enumeration is one step.</summary>
    /// <param name="cancellation">Stops after the current step and writes a checkpoint.</param>
    /// <exception cref="TrainingException">
    /// A loss or the norm of the gradients is not finite: training has diverged. The last checkpoint is kept.
    /// </exception>
    /// <exception cref="AnnotationException">
    /// More than one per cent of the pictures can't be used, as decoding them shows. A checkpoint of the last step is written.
    /// </exception>
    /// <exception cref="DeviceException">The device is out of memory or failed.</exception>
    public IEnumerable<TrainingStep> Run(CancellationToken cancellation = default)
    {
        var schedule = configuration.Schedule;
        if (StepsDone < schedule.Steps)
        {
            using var loader = new SampleLoader(
                source.Pictures, TrainingSamples.Options(configuration, detector.Configuration, StepsDone));
            using var log = TrainingLog.Open(LogPath, StepsDone);
            while (StepsDone < schedule.Steps && !cancellation.IsCancellationRequested)
            {
                var clock = Stopwatch.StartNew();
                var rate = schedule.RateAt(StepsDone);
                SampleBatch[] batches = [.. Enumerable.Range(0, schedule.Accumulate).Select(_ => loader.Next())];
                CheckProblems(loader);
                var losses = Learn(batches, rate);
                StepsDone++;
                var step = new TrainingStep(StepsDone, losses, rate, clock.Elapsed);
                log.Add(step);
                if (StepsDone % schedule.CheckpointEvery == 0 || StepsDone == schedule.Steps || cancellation.IsCancellationRequested)
                    Save();
                yield return step;
            }
            // The caller may have cancelled between two steps.
            if (savedAt != StepsDone)
                Save();
        }
        if (StepsDone == schedule.Steps)
            Locked(() => Safetensors.Write(ModelPath, Parameters.All.Select(p => p.ToTensor()), DataType.F16, Metadata()));
    }

    // The structure of all pictures was checked, but some faults appear only when a picture is decoded.
    private void CheckProblems(SampleLoader loader)
    {
        var all = new AnnotationProblems();
        all.Add(source.Problems);
        all.Add(loader.Problems);
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
        var schedule = configuration.Schedule;
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
        Locked(() => TrainingCheckpoint.Write(CheckpointPath, Parameters, StepsDone, run, detector.Configuration));
        PictureWriter.Write(LossPicture.Draw(TrainingLog.Read(LogPath)), PicturePath);
        savedAt = StepsDone;
    }

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

    private static void Create(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new TrainingException($"The run's folder '{folder}' can't be created ({e.Message.TrimEnd('.')}): choose another.", e);
        }
    }

    private static FileLock Lock(string folder)
    {
        try
        {
            var held = FileLock.TryTake(FileLock.OfFolder(folder), out var holder) ?? throw new TrainingException(
                $"The run's folder '{folder}' is in use by {holder}: wait for it, or choose another with --out.");
            UnfinishedFile.Clean(folder);
            return held;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TrainingException($"The run's folder '{folder}' can't be written ({e.Message.TrimEnd('.')}): choose another.", e);
        }
    }

    private static void CheckInputs(TrainingConfiguration configuration, TrainingSource source, string dataFolder, string folder)
    {
        var inUse = new FilesInUse();
        inUse.AddInputs(((string?[])[configuration.Data.Coco?.Annotations, configuration.Data.Proposals]).OfType<string>()
            .Select(file => Path.Combine(dataFolder, file)));
        inUse.AddInputs(configuration.Network.Weights is { } weights ? WeightsFile.FilesOf(Path.Combine(dataFolder, weights)) : []);
        inUse.AddInputs(source.Pictures is AnnotatedSetPictures pictures ? pictures.Files : []);
        foreach (var output in Outputs(folder))
        {
            if (inUse.WhyNot(output) is { } reason)
                throw new TrainingException($"The run would write over {output} ({reason}): choose another folder with --out.");
        }
    }

    // Forgetting --resume must not overwrite hours of work.
    private static void CheckBegun(string checkpoint, bool resume)
    {
        if (resume && !File.Exists(checkpoint))
            throw new TrainingException($"There is no {checkpoint} to resume from; leave out --resume to start a new run.");
        if (!resume && File.Exists(checkpoint))
        {
            throw new TrainingException(
                $"{checkpoint} is the checkpoint of an earlier run: use --resume to continue it, or another --out to start a new run.");
        }
    }

    private static string Describe(string network, TrainingConfiguration configuration, TrainingSource source, int taken) => string.Create(
        CultureInfo.InvariantCulture,
        $"{network}, {source.Classes.Count} classes, {source.Pictures.Count} pictures"
        + $"{(taken > 0 ? $", {taken} tensors from {configuration.Network.Weights}" : "")}");
}
