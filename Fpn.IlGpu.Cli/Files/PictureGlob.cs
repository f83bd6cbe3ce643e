using System.IO.Enumeration;

namespace Fpn.IlGpu.Cli;

/// <summary>
/// Expands patterns for shells that leave this to the program: <c>*</c> and <c>?</c> within a name, <c>**</c> for any
/// number of folders. Names that begin with a dot match only patterns that do too.
/// </summary>
/// <param name="unreadable">Called for each folder that can't be read; the others are still searched.</param>
internal sealed class PictureGlob(Action<string, Exception> unreadable)
{
    private static readonly char[] Wildcards = ['*', '?'];
    private static readonly char[] Separators = [Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar];
    private static readonly bool IgnoreCase = OperatingSystem.IsWindows() || OperatingSystem.IsMacOS();

    public static bool IsPattern(string path) => path.IndexOfAny(Wildcards) >= 0;

    /// <summary>The files that match, by name, folder by folder.</summary>
    public IEnumerable<string> Files(string pattern)
    {
        var root = Path.GetPathRoot(pattern) ?? "";
        var segments = pattern[root.Length..].Split(Separators, StringSplitOptions.RemoveEmptyEntries);
        return Expand(root, segments);
    }

    /// <summary>The files directly in a folder, by name.</summary>
    public IEnumerable<string> FilesIn(string folder) => Names(folder, "*", Directory.EnumerateFiles);

    /// <summary>The folders directly in a folder, by name. Links are left out, because they may lead back up.</summary>
    public IEnumerable<string> FoldersIn(string folder)
        => Names(folder, "*", Directory.EnumerateDirectories).Where(path => new DirectoryInfo(path).LinkTarget is null);

    private IEnumerable<string> Expand(string folder, ReadOnlyMemory<string> segments)
    {
        var segment = segments.Span[0];
        var rest = segments[1..];
        if (segment == "**")
        {
            // The folder itself, then everything below it. A final ** matches all files.
            var here = rest.IsEmpty ? FilesIn(folder) : Expand(folder, rest);
            return here.Concat(FoldersIn(folder).SelectMany(below => Expand(below, segments)));
        }
        if (rest.IsEmpty)
        {
            return IsPattern(segment)
                ? Names(folder, segment, Directory.EnumerateFiles)
                : Literal(folder, segment, File.Exists);
        }
        var folders = IsPattern(segment)
            ? Names(folder, segment, Directory.EnumerateDirectories)
            : Literal(folder, segment, Directory.Exists);
        return folders.SelectMany(below => Expand(below, rest));
    }

    private static IEnumerable<string> Literal(string folder, string name, Func<string, bool> exists)
    {
        var path = Path.Join(folder, name);
        return exists(path) ? [path] : [];
    }

    private IEnumerable<string> Names(string folder, string pattern, Func<string, IEnumerable<string>> enumerate)
    {
        try
        {
            return [.. enumerate(folder.Length == 0 ? "." : folder)
                .Select(path => Path.GetFileName(path))
                .Where(name => name.StartsWith('.') == pattern.StartsWith('.')
                    && FileSystemName.MatchesSimpleExpression(pattern, name, IgnoreCase))
                .Order(StringComparer.Ordinal)
                .Select(name => Path.Join(folder, name))];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            unreadable(folder, exception);
            return [];
        }
    }
}
