using Fpn.IlGpu.Files;

namespace Fpn.IlGpu.Cli;

/// <summary>The picture files that the paths on the command line lead to, and the problems with the other paths.</summary>
/// <param name="Files">Each file once, in the order given; within a folder, by name.</param>
/// <param name="Problems">One sentence for each path that leads to no picture, and for each folder that can't be read.</param>
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
        var glob = new PictureGlob((folder, exception) => problems.Add(
            $"The folder '{folder}' can't be read ({exception.Message.TrimEnd('.')}), so its pictures are missing; check its permissions."));
        var folders = new RealFolders();
        var realResults = FileIdentity.RealPath(results);

        foreach (var path in paths)
        {
            var before = problems.Count;
            var isOfResults = IsIn(FileIdentity.RealPath(path), realResults);
            var pictures = Expand(path, recursive, glob).Where(file => isOfResults || !IsIn(folders.Of(file), realResults)).ToArray();
            if (pictures.Length == 0 && problems.Count == before)
                problems.Add(WhyNone(path, recursive));
            files.AddRange(pictures.Where(file => known.Add(Path.GetFullPath(file))));
        }
        return new InputPictures(files, problems);
    }

    private static IEnumerable<string> Expand(string path, bool recursive, PictureGlob glob)
    {
        if (File.Exists(path))
            return [path];
        if (Directory.Exists(path))
            return InFolder(path, recursive, glob).Where(IsPicture);
        return PictureGlob.IsPattern(path) ? glob.Files(path).Where(IsPicture) : [];
    }

    private static IEnumerable<string> InFolder(string folder, bool recursive, PictureGlob glob)
    {
        var files = glob.FilesIn(folder);
        return recursive
            ? files.Concat(glob.FoldersIn(folder).SelectMany(below => InFolder(below, recursive, glob)))
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

    private static bool IsIn(string realPath, string realFolder)
        => $"{realPath}{Path.DirectorySeparatorChar}".StartsWith($"{realFolder}{Path.DirectorySeparatorChar}", StringComparison.Ordinal);

    /// <summary>The folders of files, without links; each is looked up once.</summary>
    private sealed class RealFolders
    {
        private readonly Dictionary<string, string> known = [];

        public string Of(string file)
        {
            var folder = Path.GetDirectoryName(Path.GetFullPath(file)) ?? "";
            if (!known.TryGetValue(folder, out var real))
                known[folder] = real = FileIdentity.RealPath(folder);
            return real;
        }
    }
}
