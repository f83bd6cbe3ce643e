namespace Fpn.IlGpu.Bench.OnnxRuntime;

/// <summary>The pictures that a command is given.</summary>
internal static class PictureFiles
{
    private static readonly string[] Endings = [".png", ".jpg", ".jpeg", ".bmp", ".webp"];

    /// <summary>Returns the files, and those of folders by name.</summary>
    public static IReadOnlyList<string> Of(IEnumerable<string> paths)
        => [.. paths.SelectMany(path => Directory.Exists(path)
            ? Directory.EnumerateFiles(path).Where(IsPicture).Order(StringComparer.Ordinal)
            : Enumerable.Repeat(path, 1))];

    private static bool IsPicture(string file) => Endings.Contains(Path.GetExtension(file).ToLowerInvariant());
}
