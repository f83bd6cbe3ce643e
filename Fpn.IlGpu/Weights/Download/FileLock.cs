namespace Fpn.IlGpu.Weights;

/// <summary>A lock that only one process at a time can hold. The system releases it if the process dies.</summary>
internal sealed class FileLock : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    private readonly FileStream file;

    private FileLock(FileStream file) => this.file = file;

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
                return new FileLock(new FileStream(
                    path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0, FileOptions.DeleteOnClose));
            }
            catch (IOException e) when (IsHeld(e))
            {
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

    public void Dispose() => file.Dispose();

    private static bool IsHeld(IOException exception)
    {
        const int sharingViolation = unchecked((int)0x80070020), wouldBlockLinux = 11, wouldBlockMac = 35;
        return exception.HResult is sharingViolation or wouldBlockLinux or wouldBlockMac;
    }
}
