namespace Fpn.IlGpu.Data;

/// <summary>
/// Annotations, or results, can't be used; the message is a sentence that names the file and, for broken JSON or XML, the
/// line and the column.
/// </summary>
public sealed class AnnotationException : Exception
{
    /// <summary>With a message.</summary>
    /// <param name="message">One sentence.</param>
    /// <param name="inner">What caused it.</param>
    public AnnotationException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
