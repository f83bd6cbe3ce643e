using Fpn.IlGpu.Data;
using Fpn.IlGpu.Files;

namespace Fpn.IlGpu.Cli;

/// <summary>The files that a command of <c>fpn data</c> writes: never one that it reads, and each in one piece.</summary>
/// <param name="inUse">The command's inputs.</param>
/// <param name="screen">Where problems are said.</param>
internal sealed class DataOutput(FilesInUse inUse, Screen screen)
{
    private readonly HashSet<string> taken = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Checks that a file may be written, and creates its folder.</summary>
    /// <exception cref="CommandException">It may not.</exception>
    public void Check(string path, string option)
    {
        OutputFile.Check(path, option, inUse);
        if (Directory.Exists(path))
            throw new CommandException($"'{path}' is a folder; name a file with {option}.");
        if (!taken.Add(Path.GetFullPath(path)))
            throw new CommandException($"'{path}' is named twice; each output needs a file of its own.");
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Failed(path, exception);
        }
    }

    /// <summary>Says what is left out or corrected, and refuses to leave out more than one per cent unless that is allowed.</summary>
    /// <exception cref="AnnotationException">Too much is left out.</exception>
    public void Check(AnnotationProblems problems, bool allowed, string? path)
    {
        if (path is not null)
            Check(path, "--problems");
        problems.Check(allowed, path);
        foreach (var sentence in problems.Sentences())
            screen.Error(sentence);
    }

    /// <summary>Writes a file.</summary>
    /// <exception cref="CommandException">It can't be written.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        try
        {
            using var file = UnfinishedFile.Create(path);
            write(file.Stream);
            file.Complete();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Failed(path, exception);
        }
    }

    private static CommandException Failed(string path, Exception exception)
        => new($"The file '{path}' can't be written ({exception.Message.TrimEnd('.')}); choose another.", exception);
}
