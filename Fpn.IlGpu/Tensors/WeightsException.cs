namespace Fpn.IlGpu.Tensors;

/// <summary>
/// A weights file, or its configuration, can't be used. The message is one sentence for a user: which file, which
/// tensor or key, and what is wrong with it.
/// </summary>
public sealed class WeightsException : Exception
{
    /// <summary>An error without a message.</summary>
    public WeightsException()
    {
    }

    /// <summary>An error with a sentence for the user.</summary>
    public WeightsException(string message)
        : base(message)
    {
    }

    /// <summary>An error with a sentence for the user, and what caused it.</summary>
    public WeightsException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    /// <summary>
    /// Text that came out of a file, as a message may show it: in quotes, short, and free of the control characters
    /// that a hostile file could send to a terminal.
    /// </summary>
    internal static string Quote(string text)
    {
        const int longest = 120;
        var shown = text.Take(longest).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c);
        return $"'{string.Concat(shown)}{(text.Length > longest ? "…" : "")}'";
    }
}
