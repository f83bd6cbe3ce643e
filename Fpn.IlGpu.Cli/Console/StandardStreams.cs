using System.ComponentModel;
using System.Runtime.InteropServices;

using Microsoft.Win32.SafeHandles;

namespace Fpn.IlGpu.Cli;

/// <summary>Standard output and error of a process that may have been started without them.</summary>
internal static partial class StandardStreams
{
    private const int Output = 1;
    private const int Error = 2;

    private static readonly List<SafeFileHandle> InTheirPlace = [];

    /// <summary>Whether there is a standard output.</summary>
    public static bool HasOutput { get; private set; } = true;

    /// <summary>
    /// Sees to it that nothing is written to a stream that was closed: its number may belong to another file by now, even to a pipe
    /// within the runtime. Numbers that are still free are taken, before a file of ours gets one of them.
    /// </summary>
    public static void Prepare()
    {
        if (!OperatingSystem.IsWindows())
        {
            HasOutput = IsInherited(Output);
            if (!HasOutput)
                Console.SetOut(TextWriter.Null);
            if (!IsInherited(Error))
                Console.SetError(TextWriter.Null);
            TakeFreeNumbers();
        }
        // Loads what printing an error needs, while files can still be opened. The console uses the exception's assembly.
        Console.Error.Write(Screen.Printable(" ")[1..]);
        GC.KeepAlive(typeof(Win32Exception));
    }

    private static void TakeFreeNumbers()
    {
        while (true)
        {
            var lowest = File.OpenHandle("/dev/null");
            if (lowest.DangerousGetHandle() > Error)
            {
                lowest.Dispose();
                return;
            }
            InTheirPlace.Add(lowest);
        }
    }

    // What this process opened itself is to be closed when it starts another program; what it was given can't have that mark.
    private static bool IsInherited(int number)
    {
        const int getFlags = 1, closeOnExec = 1;
        var flags = GetFlags(number, getFlags);
        return flags >= 0 && (flags & closeOnExec) == 0;
    }

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int GetFlags(int number, int command);
}
