using System.Globalization;

namespace Fpn.IlGpu.Weights;

/// <summary>How much room a disk has, and which errors say that it has none left.</summary>
internal static class DiskSpace
{
    /// <summary>Bytes that this user may still write into a folder that exists; null where the system doesn't say.</summary>
    public static long? FreeBytes(string folder)
    {
        try
        {
            // Windows wants the drive's letter; elsewhere any folder stands for the file system that it is in.
            return new DriveInfo(OperatingSystem.IsWindows() ? Path.GetPathRoot(folder)! : folder).AvailableFreeSpace;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>Whether a write failed because the disk, or the user's share of it, is full.</summary>
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

    /// <summary>A size for people, in MB of a million bytes, rounded up to a tenth.</summary>
    public static string Megabytes(long bytes)
        => string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(bytes / 1e5) / 10:0.#} MB");
}
