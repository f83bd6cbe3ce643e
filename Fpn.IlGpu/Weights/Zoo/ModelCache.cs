using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>The folder of the downloaded models, each converted to a safetensors file with its name.</summary>
public sealed class ModelCache
{
    /// <summary>The environment variable that replaces the platform's folder.</summary>
    public const string FolderVariable = "FPN_CACHE";

    /// <summary>Creates a cache in a folder, which need not exist yet.</summary>
    public ModelCache(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        Folder = Path.GetFullPath(folder);
    }

    /// <summary>The folder's full path.</summary>
    public string Folder { get; }

    /// <summary>
    /// The user's cache: the folder in the environment variable <c>FPN_CACHE</c>, otherwise <c>fpn</c> in the platform's cache
    /// folder (Linux: <c>$XDG_CACHE_HOME</c> or <c>~/.cache</c>; macOS: <c>~/Library/Caches</c>; Windows:
    /// <c>%LocalAppData%</c>).
    /// </summary>
    /// <exception cref="WeightsException">The user has no home folder.</exception>
    public static ModelCache OfUser() => OfUser(Environment.GetEnvironmentVariable);

    internal static ModelCache OfUser(Func<string, string?> variable)
    {
        if (variable(FolderVariable) is { Length: > 0 } named)
            return new ModelCache(named);
        return new ModelCache(Path.Join(PlatformFolder(variable), "fpn"));
    }

    /// <summary>Returns the path of a model's file, whether or not it exists.</summary>
    public string PathOf(ZooModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return Path.Join(Folder, $"{model.Name}.safetensors");
    }

    /// <summary>Whether a model's file exists.</summary>
    public bool Contains(ZooModel model) => File.Exists(PathOf(model));

    /// <summary>Returns the path of the publisher's file, before conversion.</summary>
    internal string DownloadPathOf(ZooModel model) => Path.Join(Folder, model.Name + Path.GetExtension(model.Url.AbsolutePath));

    private static string PlatformFolder(Func<string, string?> variable)
    {
        if (OperatingSystem.IsWindows())
            return Existing(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData));
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        if (OperatingSystem.IsMacOS())
            return Path.Join(Existing(home), "Library", "Caches");
        // XDG Base Directory Specification: a path that isn't absolute is ignored.
        return variable("XDG_CACHE_HOME") is { } xdg && Path.IsPathFullyQualified(xdg) ? xdg : Path.Join(Existing(home), ".cache");
    }

    private static string Existing(string folder) => folder.Length > 0
        ? folder
        : throw new WeightsException($"There is no home folder to keep models in; set {FolderVariable} to the folder to use.");
}
