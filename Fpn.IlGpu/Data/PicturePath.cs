namespace Fpn.IlGpu.Data;

/// <summary>Paths as annotation tools write them: with backslashes, or absolute on the machine of whoever annotated.</summary>
internal static class PicturePath
{
    /// <summary>
    /// Returns the path, relative to a folder, of the file that a path names. Of an absolute path, the longest end that exists in the
    /// folder counts. If nothing exists, the path is returned as it is.
    /// </summary>
    public static string Find(string folder, string path)
    {
        if (File.Exists(Path.Join(folder, path)))
            return path;
        var parts = PartsOf(path);
        var ends = IsAbsolute(path) ? parts.Length : 1;
        return Enumerable.Range(0, ends).Select(skipped => Path.Join(parts[skipped..])).FirstOrDefault(
            end => File.Exists(Path.Join(folder, end)), path);
    }

    /// <summary>The name of the file that a path names, without its folders.</summary>
    public static string NameOf(string path) => PartsOf(path) is [.., var name] ? name : "";

    private static string[] PartsOf(string path) => path.Split(['/', '\\'], StringSplitOptions.RemoveEmptyEntries);

    private static bool IsAbsolute(string path) => path is ['/' or '\\', ..] or [_, ':', ..];
}
