using System.Runtime.InteropServices;

namespace Fpn.IlGpu.Files;

/// <summary>
/// What makes two paths the same file: the number that the file system gave it. Symbolic links, hard links, other mount points and
/// other spellings of a path lead to the same identity.
/// </summary>
/// <param name="Volume">The file system's number.</param>
/// <param name="Number">The file's number on it.</param>
/// <param name="Path">The path without links, on systems that don't tell the numbers; otherwise empty.</param>
internal readonly partial record struct FileIdentity(ulong Volume, ulong Number, string Path)
{
    private const int MostLinks = 40;

    /// <summary>Follows all links; null if there is no such file or folder, or it can't be looked at.</summary>
    public static FileIdentity? Of(string path)
    {
        try
        {
            return OperatingSystem.IsLinux() ? OnLinux(path)?.Identity
                : OperatingSystem.IsMacOS() ? OnMac(path)?.Identity
                : OperatingSystem.IsWindows() ? OnWindows(path)
                : ByPath(path);
        }
        catch (EntryPointNotFoundException)
        {
            return ByPath(path);
        }
    }

    /// <summary>Whether a path leads to something that is neither a file nor a folder: a pipe, a terminal, a device.</summary>
    public static bool IsDevice(string path)
    {
        const int format = 0xF000, file = 0x8000, folder = 0x4000;
        try
        {
            var mode = OperatingSystem.IsLinux() ? OnLinux(path)?.Mode : OperatingSystem.IsMacOS() ? OnMac(path)?.Mode : null;
            return mode is { } bits ? (bits & format) is not (file or folder)
                : OperatingSystem.IsWindows() && System.IO.Path.GetFullPath(path).StartsWith(@"\\.\", StringComparison.Ordinal);
        }
        catch (EntryPointNotFoundException)
        {
            return false;
        }
    }

    /// <summary>The full path with every link on the way resolved. What doesn't exist yet keeps its name.</summary>
    public static string RealPath(string path) => RealPath(System.IO.Path.GetFullPath(path), MostLinks);

    private static string RealPath(string path, int linksLeft)
    {
        if (System.IO.Path.GetDirectoryName(path) is not { } parent)
            return path;
        var here = System.IO.Path.Join(RealPath(parent, linksLeft), System.IO.Path.GetFileName(path));
        try
        {
            return linksLeft > 0 && File.ResolveLinkTarget(here, returnFinalTarget: false) is { } target
                ? RealPath(target.FullName, linksLeft - 1)
                : here;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return here;
        }
    }

    private static FileIdentity? ByPath(string path)
        => System.IO.Path.Exists(path) ? new FileIdentity(0, 0, RealPath(path)) : null;

    // struct statx of the kernel's interface, the same on every architecture.
    private static unsafe (FileIdentity Identity, int Mode)? OnLinux(string path)
    {
        const int workingFolder = -100, follow = 0, basic = 0x7FF, size = 256;
        var of = stackalloc byte[size];
        if (Statx(workingFolder, path, follow, basic, of) != 0)
            return null;
        var volume = ((ulong)*(uint*)(of + 136) << 32) | *(uint*)(of + 140);
        return (new FileIdentity(volume, *(ulong*)(of + 32), ""), *(ushort*)(of + 28));
    }

    // struct stat with inode numbers of 64 bits.
    private static unsafe (FileIdentity Identity, int Mode)? OnMac(string path)
    {
        const int size = 256;
        var of = stackalloc byte[size];
        var failed = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? StatOnX64(path, of) : Stat(path, of);
        return failed != 0 ? null : (new FileIdentity(*(uint*)of, *(ulong*)(of + 8), ""), *(ushort*)(of + 4));
    }

    // struct BY_HANDLE_FILE_INFORMATION.
    private static unsafe FileIdentity? OnWindows(string path)
    {
        const int size = 52;
        try
        {
            using var handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var of = stackalloc byte[size];
            return GetFileInformationByHandle(handle.DangerousGetHandle(), of) == 0
                ? ByPath(path)
                : new FileIdentity(*(uint*)(of + 28), ((ulong)*(uint*)(of + 44) << 32) | *(uint*)(of + 48), "");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return ByPath(path);
        }
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int Statx(int folder, string path, int flags, uint mask, byte* result);

    [LibraryImport("libc", EntryPoint = "stat$INODE64", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int StatOnX64(string path, byte* result);

    [LibraryImport("libc", EntryPoint = "stat", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int Stat(string path, byte* result);

    [LibraryImport("kernel32")]
    private static unsafe partial int GetFileInformationByHandle(nint handle, byte* result);
}
