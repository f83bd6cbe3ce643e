namespace Fpn.IlGpu.Cli;

/// <summary>The picture files that the paths on the command line lead to, and the problems with the other paths.</summary>
/// <param name="Files">Each file once, in the order given; within a folder, by name.</param>
/// <param name="Problems">One sentence for each path that leads to no picture.</param>
internal sealed record InputPictures(IReadOnlyList<string> Files, IReadOnlyList<string> Problems)
{
    /// <summary>The extensions of picture files in a folder. A file that is named explicitly is read whatever its extension.</summary>
    private static readonly string[] Extensions = [".jpg", ".jpeg", ".png", ".bmp", ".webp"];

    private const string ExtensionsInWords = ".jpg, .jpeg, .png, .bmp or .webp";

    /// <summary>Whether the file has the extension of a picture.</summary>
    public static bool IsPicture(string path)
        => Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);

    /// <summary>Finds the files.</summary>
    /// <param name="paths">Files, folders and patterns, as given.</param>
    /// <param name="recursive">Whether subfolders are included.</param>
    /// <param name="results">The folder of annotated pictures. Its files are left out, unless a path leads into it.</param>
    public static InputPictures Find(IEnumerable<string> paths, bool recursive, string results)
    {
        var files = new List<string>();
        var problems = new List<string>();
        var known = new HashSet<string>(StringComparer.Ordinal);

        foreach (var path in paths)
        {
            try
            {
                var found = Expand(path, recursive);
                string[] pictures = IsIn(path, results) ? [.. found] : [.. found.Where(file => !IsIn(file, results))];
                if (pictures.Length == 0)
                    problems.Add(WhyNone(path, recursive));
                files.AddRange(pictures.Where(file => known.Add(Path.GetFullPath(file))));
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                problems.Add($"'{path}' can't be read ({exception.Message.TrimEnd('.')}); check its permissions.");
            }
        }
        return new InputPictures(files, problems);
    }

    private static IEnumerable<string> Expand(string path, bool recursive)
    {
        if (File.Exists(path))
            return [path];
        if (Directory.Exists(path))
            return InFolder(path, recursive).Where(IsPicture);
        return PictureGlob.IsPattern(path) ? PictureGlob.Files(path).Where(IsPicture) : [];
    }

    private static IEnumerable<string> InFolder(string folder, bool recursive)
    {
        var files = PictureGlob.FilesIn(folder);
        return recursive
            ? files.Concat(PictureGlob.FoldersIn(folder).SelectMany(below => InFolder(below, recursive)))
            : files;
    }

    private static string WhyNone(string path, bool recursive)
    {
        if (Directory.Exists(path))
        {
            var help = recursive ? "choose another folder, or name the files themselves" : "--recursive includes its subfolders";
            return $"The folder '{path}' has no pictures (files that end in {ExtensionsInWords}); {help}.";
        }
        return PictureGlob.IsPattern(path)
            ? $"No picture matches '{path}' (files that end in {ExtensionsInWords}); check the pattern."
            : $"There is no file or folder '{path}'; check the path.";
    }

    private static bool IsIn(string path, string folder)
        => Path.GetFullPath(path + Path.DirectorySeparatorChar)
            .StartsWith(Path.GetFullPath(folder + Path.DirectorySeparatorChar), StringComparison.Ordinal);
}
