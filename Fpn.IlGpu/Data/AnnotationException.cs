namespace Fpn.IlGpu.Data;

/// <summary>
/// Thrown when annotations or results can't be used. The message is a sentence that names the file and, for broken JSON or XML,
/// the line and the column.
/// </summary>
public sealed class AnnotationException : FpnException
{
    /// <summary>Creates an exception with a message.</summary>
    /// <param name="message">One sentence.</param>
    /// <param name="inner">The cause.</param>
    public AnnotationException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
