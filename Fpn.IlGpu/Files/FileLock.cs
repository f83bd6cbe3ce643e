using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Fpn.IlGpu.Files;

/// <summary>
/// A lock that only one process at a time can hold, and a note of who holds it. The system releases the lock if the process dies.
/// </summary>
internal sealed class FileLock : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    private readonly FileStream file;
    private readonly string note;

    private FileLock(FileStream file)
    {
        this.file = file;
        // Beside the lock, because nobody else can open the lock itself.
        note = NoteOf(file.Name);
        try
        {
            File.Delete(note); // A dead holder's, or a link to another file.
            using var writer = new StreamWriter(new FileStream(note, FileMode.CreateNew, FileAccess.Write));
            writer.Write(string.Create(
                CultureInfo.InvariantCulture,
                $"process {Environment.ProcessId} on {Environment.MachineName}, since {DateTime.UtcNow:yyyy-MM-dd HH:mm:ss} UTC"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The lock holds without it.
        }
    }

    /// <summary>The lock of everything in a folder.</summary>
    public static string OfFolder(string folder) => Path.Join(folder, ".fpn.lock");

    /// <summary>The lock of one file, beside it. All names of the file give the same lock.</summary>
    public static string OfFile(string path)
    {
        var real = FileIdentity.RealPath(path);
        // A hash, because the name itself may leave no room for an ending.
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Path.GetFileName(real))).AsSpan(0, 8));
        return Path.Join(Path.GetDirectoryName(real), $".fpn-{hash}.lock");
    }

    /// <summary>Takes the lock if nobody holds it.</summary>
    /// <param name="path">A file that exists while the lock is held, in an existing folder.</param>
    /// <param name="holder">Who holds it, if this returns null.</param>
    /// <exception cref="IOException">The file can't be created.</exception>
    /// <exception cref="UnauthorizedAccessException">Creating the file is not permitted.</exception>
    public static FileLock? TryTake(string path, out string holder)
    {
        holder = "";
        try
        {
            while (true)
            {
                var file = new FileStream(
                    path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0, FileOptions.DeleteOnClose);
                // The holder before may have deleted it between our opening and locking it; then this lock is seen by nobody.
                if (File.Exists(path))
                    return new FileLock(file);
                file.Dispose();
            }
        }
        catch (IOException e) when (IsHeld(e))
        {
            holder = HolderOf(path);
            return null;
        }
    }

    /// <summary>Takes the lock, waiting until no other process holds it.</summary>
    /// <param name="path">A file that exists while the lock is held, in an existing folder.</param>
    /// <param name="waiting">Called once if another process holds the lock.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="IOException">The file can't be created.</exception>
    /// <exception cref="UnauthorizedAccessException">Creating the file is not permitted.</exception>
    public static async Task<FileLock> TakeAsync(string path, Action waiting, CancellationToken cancellation)
    {
        for (var first = true; ; first = false)
        {
            try
            {
                if (TryTake(path, out _) is { } taken)
                    return taken;
                if (first)
                    waiting();
            }
            catch (UnauthorizedAccessException) when (!first && OperatingSystem.IsWindows())
            {
                // The other process is deleting the file right now.
            }
            await Task.Delay(Pause, cancellation).ConfigureAwait(false);
        }
    }

    public void Dispose()
    {
        try
        {
            File.Delete(note);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The next holder replaces it.
        }
        file.Dispose();
    }

    private static string NoteOf(string path) => $"{path}-holder";

    private static string HolderOf(string path)
    {
        try
        {
            return File.ReadAllText(NoteOf(path)) is { Length: > 0 } text ? text : "another process";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "another process";
        }
    }

    private static bool IsHeld(IOException exception)
    {
        const int sharingViolation = unchecked((int)0x80070020), wouldBlockLinux = 11, wouldBlockMac = 35;
        return exception.HResult is sharingViolation or wouldBlockLinux or wouldBlockMac;
    }
}
