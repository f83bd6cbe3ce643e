using System.Reflection;
using System.Runtime.InteropServices;
using ILGPU;

namespace Fpn.IlGpu.Runtime;

/// <summary>
/// ILGPU asks for the libraries "OpenCL" and "cuda", for which .NET tries libOpenCL.so and libcuda.so: names that come
/// with developers' packages only. A Linux that just runs programs has libOpenCL.so.1 and libcuda.so.1.
/// </summary>
internal static class DriverLibraries
{
    private static readonly Dictionary<string, string> RuntimeNames = new()
    {
        ["OpenCL"] = "libOpenCL.so.1",
        ["cuda"] = "libcuda.so.1",
    };

    private static readonly Lock Registering = new();
    private static bool registered;

    /// <summary>Lets ILGPU find drivers under their runtime names, too.</summary>
    public static void LetIlgpuFindThem()
    {
        // Under WSL, ILGPU sets a resolver of its own, and an assembly takes only one.
        var underWsl = Environment.GetEnvironmentVariable("WSL_DISTRO_NAME") is not null || Directory.Exists("/usr/lib/wsl/lib");
        var ilgpu = typeof(Context).Assembly;
        lock (Registering)
        {
            if (registered || !OperatingSystem.IsLinux() || underWsl || ilgpu == typeof(DriverLibraries).Assembly)
                return;
            NativeLibrary.SetDllImportResolver(ilgpu, Resolve);
            registered = true;
        }
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? paths)
    {
        if (!RuntimeNames.TryGetValue(name, out var runtimeName) || NativeLibrary.TryLoad(name, assembly, paths, out _))
            return 0;
        return NativeLibrary.TryLoad(runtimeName, out var library) ? library : 0;
    }
}
