using System.Text;

namespace Fpn.IlGpu.Weights;

/// <summary>Files that are often mistaken for weights, and what to do about them.</summary>
internal static class MistakenFiles
{
    private const int TarMagicAt = 257;

    /// <summary>Describes the file for a message, based on its first 512 bytes; null if it is none of these.</summary>
    public static string? Recognise(ReadOnlySpan<byte> beginning)
    {
        if (beginning is [0x1F, 0x8B, ..])
            return "is compressed with gzip: unpack it first";
        if (beginning.StartsWith("version https://git-lfs"u8))
            return "is a Git LFS pointer, not the weights themselves: fetch them with 'git lfs pull'";
        if (beginning.Length >= TarMagicAt + 5 && beginning[TarMagicAt..].StartsWith("ustar"u8))
            return "is a tar archive, the format that PyTorch wrote until 2016: load it and save it again with a newer PyTorch";
        if (beginning is [0x89, (byte)'H', (byte)'D', (byte)'F', ..])
            return "is an HDF5 file, which is not supported: convert it to safetensors";
        var text = Encoding.Latin1.GetString(beginning).TrimStart('\u00EF', '\u00BB', '\u00BF', ' ', '\t', '\r', '\n');
        return text.StartsWith("<!DOCTYPE", StringComparison.OrdinalIgnoreCase)
            || text.StartsWith("<html", StringComparison.OrdinalIgnoreCase)
            || text.StartsWith("<?xml", StringComparison.OrdinalIgnoreCase)
            ? "is a web page, not weights: the download failed, or the site requires a login"
            : null;
    }
}
