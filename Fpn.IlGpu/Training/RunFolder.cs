using Fpn.IlGpu.Data;
using Fpn.IlGpu.Files;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Training;

/// <summary>The folder of a run, and the files that it writes there.</summary>
/// <param name="path">The folder.</param>
internal sealed class RunFolder(string path)
{
    public string Checkpoint => File("checkpoint.safetensors");

    public string Model => File("model.safetensors");

    public string Best => File("best.safetensors");

    public string Log => File("training.csv");

    public string Problems => File("problems.txt");

    /// <summary>All of them.</summary>
    public IEnumerable<string> Outputs => [Checkpoint, Model, Best, Log, Problems];

    /// <summary>Creates the folder.</summary>
    /// <exception cref="TrainingException">It can't be created.</exception>
    public void Create()
    {
        try
        {
            Directory.CreateDirectory(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new TrainingException($"The run's folder '{path}' can't be created ({e.Message.TrimEnd('.')}): choose another.", e);
        }
    }

    /// <summary>Keeps other runs out of the folder.</summary>
    /// <exception cref="TrainingException">Another run is in it, or it can't be written.</exception>
    public FileLock Lock()
    {
        try
        {
            var held = FileLock.TryTake(FileLock.OfFolder(path), out var holder) ?? throw new TrainingException(
                $"The run's folder '{path}' is in use by {holder}: wait for it, or choose another with --out.");
            UnfinishedFile.Clean(path);
            return held;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TrainingException($"The run's folder '{path}' can't be written ({e.Message.TrimEnd('.')}): choose another.", e);
        }
    }

    /// <summary>Refuses a folder in which the run would write over what it reads.</summary>
    /// <exception cref="TrainingException">It would.</exception>
    public void CheckInputs(TrainingConfiguration configuration, TrainingSource source, string dataFolder)
    {
        var inUse = new FilesInUse();
        string?[] files = [configuration.Data.Coco?.Annotations, configuration.Data.Proposals, configuration.Validation?.Coco?.Annotations];
        inUse.AddInputs(files.OfType<string>().Select(file => Path.Combine(dataFolder, file)));
        inUse.AddInputs(configuration.Network.Weights is { } weights ? WeightsFile.FilesOf(StartingWeights.PathOf(weights, dataFolder)) : []);
        inUse.AddInputs(source.Pictures is AnnotatedSetPictures pictures ? pictures.Files : []);
        inUse.AddInputs(source.Validation?.Files ?? []);
        foreach (var output in Outputs)
        {
            if (inUse.WhyNot(output) is { } reason)
                throw new TrainingException($"The run would write over {output} ({reason}): choose another folder with --out.");
        }
    }

    /// <summary>Refuses to begin in the folder of another run, so that forgetting --resume does not overwrite hours of work.</summary>
    /// <exception cref="TrainingException">There is a checkpoint, or there is none to resume from.</exception>
    public void CheckBegun(bool resume)
    {
        var isBegun = System.IO.File.Exists(Checkpoint);
        if (resume && !isBegun)
            throw new TrainingException($"There is no {Checkpoint} to resume from; leave out --resume to start a new run.");
        if (!resume && isBegun)
        {
            throw new TrainingException(
                $"{Checkpoint} is the checkpoint of an earlier run: use --resume to continue it, or another --out to start a new run.");
        }
    }

    private string File(string name) => Path.Combine(path, name);
}
