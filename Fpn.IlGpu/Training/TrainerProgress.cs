namespace Fpn.IlGpu.Training;

/// <summary>What a trainer does with pictures besides training on them.</summary>
public enum TrainerWork
{
    /// <summary>Reads the structure of the training pictures' files, before the first step.</summary>
    CheckingPictures,

    /// <summary>The same for the validation pictures.</summary>
    CheckingValidationPictures,

    /// <summary>Evaluates the detector on the validation pictures.</summary>
    Validating,
}

/// <summary>How far a trainer is with pictures.</summary>
/// <param name="Work">What it does with them.</param>
/// <param name="Done">The number of pictures done.</param>
/// <param name="Total">The number of pictures.</param>
public readonly record struct TrainerProgress(TrainerWork Work, int Done, int Total);

/// <summary>Reports numbers of pictures as the progress of a work.</summary>
internal sealed class PicturesOf(TrainerWork work, int total, IProgress<TrainerProgress>? progress) : IProgress<int>
{
    public void Report(int value) => progress?.Report(new TrainerProgress(work, value, total));
}
