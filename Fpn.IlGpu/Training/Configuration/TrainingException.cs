namespace Fpn.IlGpu.Training;

/// <summary>Training can't begin or go on. The message is a sentence for the user.</summary>
public sealed class TrainingException : Exception
{
    /// <summary>With nothing to say.</summary>
    public TrainingException()
    {
    }

    /// <summary>With a sentence.</summary>
    public TrainingException(string message)
        : base(message)
    {
    }

    /// <summary>With a sentence and what led to it.</summary>
    public TrainingException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
