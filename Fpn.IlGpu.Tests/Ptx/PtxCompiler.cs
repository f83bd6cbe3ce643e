using System.Reflection;
using Fpn.IlGpu.Runtime;
using ILGPU;

namespace Fpn.IlGpu.Tests.Ptx;

/// <summary>
/// Has ILGPU compile a kernel to PTX, which needs no GPU. By reflection, since the stand-in for ILGPU has no such
/// backend: there the test that asks is skipped.
/// </summary>
internal static class PtxCompiler
{
    private const BindingFlags AnyStatic = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;

    /// <summary>Whether this build has ILGPU's compiler.</summary>
    public static bool Exists => Ilgpu != typeof(Device).Assembly;

    private static Assembly Ilgpu => typeof(Context).Assembly;

    /// <summary>A kernel's PTX.</summary>
    /// <param name="kernel">A kernel; it is implicitly grouped where its first parameter is an index.</param>
    /// <param name="architecture">ILGPU's name of the GPU's architecture.</param>
    /// <param name="maxThreads">The most threads that a group may have, or null for any number.</param>
    public static string Compile(MethodInfo kernel, string architecture = "SM_80", int? maxThreads = null)
    {
        if (!Exists)
            Assert.Ignore("The stand-in for ILGPU compiles nothing.");
        using var context = DeviceList.CreateContext(DeviceKind.Cpu);
        Intrinsics.Register(context);
        using var backend = (IDisposable)Activator.CreateInstance(
            Type("ILGPU.Backends.PTX.PTXBackend"),
            context,
            Value("ILGPU.Runtime.Cuda.CudaArchitecture", architecture),
            Value("ILGPU.Runtime.Cuda.CudaInstructionSet", architecture == "SM_80" ? "ISA_70" : "ISA_78"),
            null)!;
        var entry = Type("ILGPU.Backends.EntryPoints.EntryPointDescription")
            .GetMethod(IsImplicitlyGrouped(kernel) ? "FromImplicitlyGroupedKernel" : "FromExplicitlyGroupedKernel", AnyStatic)!
            .Invoke(null, [kernel])!;
        var specialization = Activator.CreateInstance(Type("ILGPU.Runtime.KernelSpecialization"), maxThreads, null)!;
        var compiled = backend.GetType().GetMethod("Compile", [entry.GetType().MakeByRefType(), specialization.GetType().MakeByRefType()])!
            .Invoke(backend, [entry, specialization])!;
        return (string)compiled.GetType().GetProperty("PTXAssembly")!.GetValue(compiled)!;
    }

    /// <summary>Whether ILGPU chooses the groups, and passes an index.</summary>
    public static bool IsImplicitlyGrouped(MethodInfo kernel) =>
        kernel.GetParameters() is [var first, ..] && first.ParameterType == typeof(Index1D);

    private static Type Type(string name) => Ilgpu.GetType(name, throwOnError: true)!;

    private static object Value(string type, string name) => Type(type).GetField(name, AnyStatic)!.GetValue(null)!;
}
