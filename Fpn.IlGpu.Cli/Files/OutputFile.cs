using Fpn.IlGpu.Files;

using Microsoft.Win32.SafeHandles;

namespace Fpn.IlGpu.Cli;

/// <summary>
/// A file that a command writes at its end or as it goes on, but opens at its beginning, so that a long run does not end with an
/// output that can't be written. It is never one of the command's inputs, and no two commands write it at once.
/// </summary>
internal sealed class OutputFile : IDisposable
{
    /// <summary>The path that means standard output.</summary>
    public const string StandardOutput = "-";

    private readonly FileLock? held;
    private readonly bool isFile;

    private OutputFile(Stream stream, FileLock? held, bool isFile)
    {
        Stream = stream;
        this.held = held;
        this.isFile = isFile;
    }

    /// <summary>Where the content goes.</summary>
    public Stream Stream { get; }

    /// <summary>Opens the file, and creates its folder. The file keeps its content until <see cref="Empty"/> or <see cref="Write"/>.</summary>
    /// <param name="path">The file, "-" for standard output, or null for none.</param>
    /// <param name="option">The option that names the file, for messages.</param>
    /// <param name="inUse">The command's inputs and other outputs; the file is added to them.</param>
    /// <exception cref="CommandException">The file can't be written, is in use, or another process is writing it.</exception>
    public static OutputFile? Open(string? path, string option, FilesInUse inUse)
    {
        if (path is null or StandardOutput)
            return path is null ? null : new OutputFile(OpenStandardOutput(), null, isFile: false);
        Check(path, option, inUse);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path)) ?? ".");
            var held = Lock(path, option);
            try
            {
                var stream = new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read, bufferSize: 0);
                inUse.AddOutput(path, option);
                return new OutputFile(stream, held, isFile: !FileIdentity.IsDevice(path));
            }
            catch
            {
                held?.Dispose();
                throw;
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Refused(path, exception.Message.TrimEnd('.'), option, exception);
        }
    }

    /// <summary>Checks that a file may be written: that it is no input and no other output of the command.</summary>
    /// <exception cref="CommandException">It is one.</exception>
    public static void Check(string path, string option, FilesInUse inUse)
    {
        if (inUse.WhyNot(path) is { } reason)
            throw Refused(path, reason, option);
    }

    /// <summary>Creates a folder if it is missing, and checks that it can be written.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="option">The option that names it, for messages.</param>
    /// <param name="remedy">What else would help, as the end of the sentence.</param>
    /// <exception cref="CommandException">The folder can't be created or written.</exception>
    public static void CheckFolder(string folder, string option, string remedy = "")
    {
        try
        {
            Directory.CreateDirectory(folder);
            UnfinishedFile.Clean(folder);
            using var trial = UnfinishedFile.Create(Path.Join(folder, "trial"));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(
                $"The folder '{folder}' can't be written ({exception.Message.TrimEnd('.')}); choose another with {option}{remedy}.",
                exception);
        }
    }

    /// <summary>Removes the content of an earlier run.</summary>
    public void Empty()
    {
        if (isFile)
            Stream.SetLength(0);
    }

    /// <summary>Replaces the file's content.</summary>
    public void Write(Action<Stream> write)
    {
        Empty();
        write(Stream);
        Stream.Write("\n"u8);
        Stream.Flush();
    }

    public void Dispose()
    {
        Stream.Dispose();
        held?.Dispose();
    }

    // The console's own stream takes a closed pipe for success, and the command would go on for nobody.
    private static Stream OpenStandardOutput()
    {
        const int standardOutput = 1;
        if (!StandardStreams.HasOutput)
            throw new CommandException("Standard output is closed, so nothing can be written to it; name a file instead of '-'.");
        if (OperatingSystem.IsWindows())
            return Console.OpenStandardOutput();
        var pipe = new FileStream(new SafeFileHandle(standardOutput, ownsHandle: false), FileAccess.Write, bufferSize: 0);
        // In a file, other processes' output may follow ours; a FileStream would not move the position that they share.
        return pipe.CanSeek ? Console.OpenStandardOutput() : pipe;
    }

    private static FileLock? Lock(string path, string option)
    {
        if (FileIdentity.IsDevice(path))
            return null;
        try
        {
            return FileLock.TryTake(FileLock.OfFile(path), out var holder) ?? throw Refused(path, $"it is being written by {holder}", option);
        }
        catch (UnauthorizedAccessException)
        {
            // The file may be writable in a folder where nothing can be created, not even a lock.
            return null;
        }
    }

    private static CommandException Refused(string path, string reason, string option, Exception? inner = null)
        => new($"The file '{path}' can't be written ({reason}); choose another with {option}.", inner);
}
