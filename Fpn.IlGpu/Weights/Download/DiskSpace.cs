using System.Globalization;

namespace Fpn.IlGpu.Weights;

/// <summary>Free disk space, and the errors that report a full disk.</summary>
internal static class DiskSpace
{
    /// <summary>
    /// The number of bytes that this user may still write to an existing folder; null if the system doesn't report it.
    /// </summary>
    public static long? FreeBytes(string folder)
    {
        try
        {
            // Windows needs the drive; elsewhere any folder identifies its file system.
            return new DriveInfo(OperatingSystem.IsWindows() ? Path.GetPathRoot(folder)! : folder).AvailableFreeSpace;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>Whether a write failed because the disk, or the user's quota on it, is full.</summary>
    public static bool IsFull(Exception exception)
    {
        const int windowsHandleDiskFull = unchecked((int)0x80070027), windowsDiskFull = unchecked((int)0x80070070);
        const int noSpace = 28, quotaLinux = 122, quotaMac = 69;
        if (exception is not IOException)
            return false;
        return OperatingSystem.IsWindows()
            ? exception.HResult is windowsHandleDiskFull or windowsDiskFull
            : exception.HResult == noSpace || exception.HResult == (OperatingSystem.IsMacOS() ? quotaMac : quotaLinux);
    }

    /// <summary>Formats a size in MB (a million bytes), rounded up to one decimal place.</summary>
    public static string Megabytes(long bytes)
        => string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(bytes / 1e5) / 10:0.#} MB");
}
