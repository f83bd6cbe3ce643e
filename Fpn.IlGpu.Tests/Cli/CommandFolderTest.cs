namespace Fpn.IlGpu.Tests.Cli;

/// <summary>A test of the command, with an empty folder to run it in.</summary>
internal abstract class CommandFolderTest
{
    /// <summary>The names of the sample pictures, which the build copies to the tests' folder.</summary>
    protected static readonly string[] Samples = ["shapes-320x320.png", "shapes-427x320.png", "shapes-640x480.png"];

    private DirectoryInfo folder = null!;

    protected string Folder => folder.FullName;

    [SetUp]
    public void MakeFolder() => folder = Directory.CreateTempSubdirectory("fpn-");

    [TearDown]
    public void RemoveFolder() => folder.Delete(recursive: true);

    protected string At(string path) => Path.Combine(Folder, path);

    /// <summary>Writes a file into the folder, and creates the folders of its path.</summary>
    protected string Put(string path, byte[] content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(path))!);
        File.WriteAllBytes(At(path), content);
        return path;
    }

    /// <summary>Puts a copy of the n-th sample picture into the folder.</summary>
    protected string PutSample(string path, int number = 0)
        => Put(path, File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "samples", Samples[number])));

    /// <summary>The files below a path in the folder, relative to it and sorted.</summary>
    protected string[] FilesIn(string path)
        => [.. Directory.EnumerateFiles(At(path), "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(At(path), file)).Order(StringComparer.Ordinal)];

    /// <summary>The number of whole lines in a file that a process may still be writing; 0 if there is no file yet.</summary>
    protected int LinesIn(string path)
    {
        if (!File.Exists(At(path)))
            return 0;
        using var stream = new FileStream(At(path), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().Count(character => character == '\n');
    }
}
