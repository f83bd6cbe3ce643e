namespace Fpn.IlGpu.Training;

/// <summary>Training can't start or continue. The message is a sentence for the user.</summary>
public sealed class TrainingException : FpnException
{
    /// <summary>Creates an exception without a message.</summary>
    public TrainingException()
    {
    }

    /// <summary>Creates an exception with a message.</summary>
    public TrainingException(string message)
        : base(message)
    {
    }

    /// <summary>Creates an exception with a message and its cause.</summary>
    public TrainingException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
