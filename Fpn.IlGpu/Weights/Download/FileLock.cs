namespace Fpn.IlGpu.Weights;

/// <summary>
/// Only one process at a time holds the lock of a name; the system takes it back from a process that dies.
/// </summary>
internal sealed class FileLock : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    private readonly FileStream file;

    private FileLock(FileStream file) => this.file = file;

    /// <summary>Waits until no other process holds it.</summary>
    /// <param name="path">A file that exists for as long as someone holds the lock, in a folder that exists.</param>
    /// <param name="waiting">Called once if another process holds it.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="IOException">The file can't be made.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be made.</exception>
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
                // The other process is just deleting it.
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
