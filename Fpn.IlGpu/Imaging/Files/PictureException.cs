namespace Fpn.IlGpu.Imaging;

/// <summary>
/// A picture can't be read or written; the message tells a user in a sentence what is wrong and what would help.
/// </summary>
public sealed class PictureException : FpnException
{
    /// <summary>Makes an exception without a message.</summary>
    public PictureException()
    {
    }

    /// <summary>Makes an exception with a message.</summary>
    /// <param name="message">A full sentence for a user; it names the file where there is one.</param>
    public PictureException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception with a message and a cause.</summary>
    /// <param name="message">A full sentence for a user; it names the file where there is one.</param>
    /// <param name="innerException">What the decoder, the encoder or the file system said.</param>
    public PictureException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
