namespace Fpn.IlGpu.Tensors;

/// <summary>
/// Thrown when a weights file or its configuration can't be used. The message is one sentence for the user: which file, which
/// tensor or key, and what is wrong with it.
/// </summary>
public sealed class WeightsException : FpnException
{
    /// <summary>Creates an exception without a message.</summary>
    public WeightsException()
    {
    }

    /// <summary>Creates an exception with a sentence for the user.</summary>
    public WeightsException(string message)
        : base(message)
    {
    }

    /// <summary>Creates an exception with a sentence for the user and a cause.</summary>
    public WeightsException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    /// <summary>
    /// Prepares text from a file for a message: in quotes, shortened, and free of the control characters that a hostile file
    /// could send to a terminal.
    /// </summary>
    internal static string Quote(string text)
    {
        const int longest = 120;
        var shown = text.Take(longest).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c);
        return $"'{string.Concat(shown)}{(text.Length > longest ? "…" : "")}'";
    }
}
