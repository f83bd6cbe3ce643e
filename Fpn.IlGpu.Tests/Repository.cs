namespace Fpn.IlGpu.Tests;

/// <summary>The tree that the tests were built in. Paths from the compiler don't lead there: a build in CI maps them away.</summary>
internal static class Repository
{
    public static string Folder { get; } = Find();

    private static string Find()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Fpn.sln")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new DirectoryNotFoundException($"No folder above {AppContext.BaseDirectory} has Fpn.sln.");
    }
}
