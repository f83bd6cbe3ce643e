using System.Text;

namespace Fpn.IlGpu.Weights;

/// <summary>Files that are often taken for weights, and what to do about them.</summary>
internal static class MistakenFiles
{
    private const int TarMagicAt = 257;

    /// <summary>What the file is, for a message, by its first 512 bytes; null if it is none of these.</summary>
    public static string? Recognise(ReadOnlySpan<byte> beginning)
    {
        if (beginning is [0x1F, 0x8B, ..])
            return "is compressed by gzip: unpack it first";
        if (beginning.StartsWith("version https://git-lfs"u8))
            return "is a pointer of Git LFS, not the weights themselves: fetch them by 'git lfs pull'";
        if (beginning.Length >= TarMagicAt + 5 && beginning[TarMagicAt..].StartsWith("ustar"u8))
            return "is a tar archive, such as PyTorch wrote until 2016: load and save it again by a newer PyTorch";
        if (beginning is [0x89, (byte)'H', (byte)'D', (byte)'F', ..])
            return "is an HDF5 file, which is not supported: convert it to safetensors";
        var text = Encoding.Latin1.GetString(beginning).TrimStart('\u00EF', '\u00BB', '\u00BF', ' ', '\t', '\r', '\n');
        return text.StartsWith("<!DOCTYPE", StringComparison.OrdinalIgnoreCase)
            || text.StartsWith("<html", StringComparison.OrdinalIgnoreCase)
            || text.StartsWith("<?xml", StringComparison.OrdinalIgnoreCase)
            ? "is a web page, not weights: the download went wrong, or asks to log in"
            : null;
    }
}
