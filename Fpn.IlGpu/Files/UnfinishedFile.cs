namespace Fpn.IlGpu.Files;

/// <summary>
/// A file that is being written. It has a temporary name in its folder until it is complete, so that a half-written file never
/// appears under the final name. Where the process is killed, the temporary file stays; <see cref="Clean"/> finds it.
/// </summary>
internal sealed class UnfinishedFile : IDisposable
{
    private const string Prefix = ".fpn-";
    private const string Suffix = ".tmp";

    private readonly string target;
    private bool isComplete;

    private UnfinishedFile(string target)
    {
        this.target = target;
        // In the same folder: a move between file systems is a copy, which others could see half done. The name does not contain the
        // target's, which may already be as long as a name can be.
        TemporaryPath = Path.Join(Path.GetDirectoryName(target), $"{Prefix}{Guid.NewGuid():N}{Suffix}");
        // While it is open, Clean does not take it for a killed process's.
        Stream = new FileStream(TemporaryPath, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Read);
    }

    /// <summary>The path of the file while it is being written.</summary>
    public string TemporaryPath { get; }

    /// <summary>Receives the content.</summary>
    public FileStream Stream { get; }

    /// <summary>Creates a file to write.</summary>
    /// <param name="path">The final path; an existing file is replaced at the end. The folder must exist.</param>
    /// <exception cref="IOException">The file can't be created.</exception>
    /// <exception cref="UnauthorizedAccessException">Creating the file is not permitted.</exception>
    public static UnfinishedFile Create(string path) => new(path);

    /// <summary>Deletes what killed processes left unfinished in a folder.</summary>
    public static void Clean(string folder)
    {
        string[] found;
        try
        {
            found = Directory.GetFiles(folder, $"{Prefix}*{Suffix}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return; // Whoever writes there next says so better.
        }
        foreach (var path in found)
        {
            try
            {
                // Fails if a process has it open.
                using var abandoned = new FileStream(
                    path, FileMode.Open, FileAccess.ReadWrite, FileShare.None, bufferSize: 0, FileOptions.DeleteOnClose);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Another process is still writing it, or has just finished.
            }
        }
    }

    /// <summary>Makes sure that the content is on the disk, and that others may read it under the temporary name.</summary>
    public void Flush()
    {
        Stream.Flush(flushToDisk: true);
        // Elsewhere the open file stays protected from Clean, and can be read and moved all the same.
        if (OperatingSystem.IsWindows())
            Stream.Dispose();
    }

    /// <summary>Gives the file its final name, in one step.</summary>
    public void Complete()
    {
        if (Stream.CanWrite)
            Stream.Flush();
        if (OperatingSystem.IsWindows())
            Stream.Dispose();
        File.Move(TemporaryPath, target, overwrite: true);
        isComplete = true;
    }

    /// <summary>Deletes the file unless it is complete.</summary>
    public void Dispose()
    {
        try
        {
            Stream.Dispose();
            if (!isComplete)
                File.Delete(TemporaryPath);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The error that ended the writing says more than this one would.
        }
    }
}
