namespace Fpn.IlGpu.Cli;

/// <summary>
/// A file that is written at the end but opened at the beginning, so that a long run does not end with an output that can't
/// be written.
/// </summary>
internal sealed class OutputFile : IDisposable
{
    private readonly Stream stream;

    private OutputFile(Stream stream)
    {
        this.stream = stream;
    }

    /// <summary>Opens the file, and creates its folder. The file keeps its content until <see cref="Write"/>.</summary>
    /// <param name="path">The file, "-" for standard output, or null for none.</param>
    /// <param name="option">The option that names the file, for messages.</param>
    /// <exception cref="CommandException">The file can't be written.</exception>
    public static OutputFile? Open(string? path, string option)
    {
        if (path is null or JsonLines.StandardOutput)
            return path is null ? null : new OutputFile(Console.OpenStandardOutput());
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path)) ?? ".");
            return new OutputFile(new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(
                $"The file '{path}' can't be written ({exception.Message.TrimEnd('.')}); choose another with {option}.", exception);
        }
    }

    /// <summary>Creates a folder if it is missing, and checks that it can be written.</summary>
    /// <exception cref="CommandException">The folder can't be created or written.</exception>
    public static void CheckFolder(string folder, string option)
    {
        try
        {
            Directory.CreateDirectory(folder);
            var trial = Path.Join(folder, $".fpn-{Guid.NewGuid():N}");
            using FileStream stream = new(trial, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(
                $"The folder '{folder}' can't be written ({exception.Message.TrimEnd('.')}); choose another with {option}.", exception);
        }
    }

    /// <summary>Replaces the file's content.</summary>
    public void Write(Action<Stream> write)
    {
        if (stream.CanSeek)
            stream.SetLength(0);
        write(stream);
        stream.Write("\n"u8);
        stream.Flush();
    }

    public void Dispose() => stream.Dispose();
}
