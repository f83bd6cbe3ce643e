using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>The folder where downloaded models are kept, each converted to a safetensors file of its name.</summary>
public sealed class ModelCache
{
    /// <summary>An environment variable with another folder than the platform's.</summary>
    public const string FolderVariable = "FPN_CACHE";

    /// <summary>A cache in a folder, which need not exist yet.</summary>
    public ModelCache(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        Folder = Path.GetFullPath(folder);
    }

    /// <summary>The folder's full path.</summary>
    public string Folder { get; }

    /// <summary>
    /// The user's cache: the folder that the environment variable <c>FPN_CACHE</c> names, or else <c>fpn</c> in the
    /// platform's own (Linux: <c>$XDG_CACHE_HOME</c> or <c>~/.cache</c>; macOS: <c>~/Library/Caches</c>; Windows:
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

    /// <summary>The file of a model, whether or not it is there.</summary>
    public string PathOf(ZooModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return Path.Join(Folder, $"{model.Name}.safetensors");
    }

    /// <summary>Whether the file of a model is there.</summary>
    public bool Contains(ZooModel model) => File.Exists(PathOf(model));

    /// <summary>The publisher's file, before it is converted.</summary>
    internal string DownloadPathOf(ZooModel model) => Path.Join(Folder, model.Name + Path.GetExtension(model.Url.AbsolutePath));

    private static string PlatformFolder(Func<string, string?> variable)
    {
        if (OperatingSystem.IsWindows())
            return Existing(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData));
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        if (OperatingSystem.IsMacOS())
            return Path.Join(Existing(home), "Library", "Caches");
        // The XDG Base Directory Specification: a path that isn't absolute is to be ignored.
        return variable("XDG_CACHE_HOME") is { } xdg && Path.IsPathFullyQualified(xdg) ? xdg : Path.Join(Existing(home), ".cache");
    }

    private static string Existing(string folder) => folder.Length > 0
        ? folder
        : throw new WeightsException($"There is no home folder to keep models in; set {FolderVariable} to the folder to use.");
}
