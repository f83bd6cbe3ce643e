using System.Reflection;
using Fpn.IlGpu.Runtime;
using ILGPU;

namespace Fpn.IlGpu.Tests.Runtime;

/// <summary>
/// Every kernel of the library compiles to PTX, which needs no GPU. By reflection, since the stand-in for ILGPU, with
/// which these tests are skipped, has no such backend.
/// </summary>
public sealed class PtxCompilationTests
{
    private const BindingFlags AnyStatic = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;

    private static IEnumerable<TestCaseData> Kernels() =>
        from type in typeof(Device).Assembly.GetTypes()
        where type.Namespace?.StartsWith("Fpn.IlGpu", StringComparison.Ordinal) ?? false
        from method in type.GetMethods(AnyStatic | BindingFlags.DeclaredOnly)
        where method.GetParameters() is [var index, ..] && (index.ParameterType == typeof(Index1D) || IsGrouped(method))
        where method.GetCustomAttribute<CpuKernelAttribute>() is null
        select new TestCaseData(method).SetArgDisplayNames($"{type.Name}.{method.Name}");

    [TestCaseSource(nameof(Kernels))]
    public void Compiles_to_ptx(MethodInfo kernel)
    {
        var ilgpu = typeof(Context).Assembly;
        if (ilgpu == typeof(Device).Assembly)
            Assert.Ignore("The stand-in for ILGPU compiles nothing.");

        using var context = DeviceList.CreateContext(DeviceKind.Cpu);
        Intrinsics.Register(context);
        var architecture = Value("ILGPU.Runtime.Cuda.CudaArchitecture", "SM_80");
        var instructionSet = Value("ILGPU.Runtime.Cuda.CudaInstructionSet", "ISA_70");
        using var backend = (IDisposable)Activator.CreateInstance(
            Type("ILGPU.Backends.PTX.PTXBackend"), context, architecture, instructionSet, null)!;
        var entry = Type("ILGPU.Backends.EntryPoints.EntryPointDescription")
            .GetMethod(IsGrouped(kernel) ? "FromExplicitlyGroupedKernel" : "FromImplicitlyGroupedKernel", AnyStatic)!.Invoke(null, [kernel])!;
        var specialization = Activator.CreateInstance(Type("ILGPU.Runtime.KernelSpecialization"))!;
        var compiled = backend.GetType().GetMethod("Compile", [entry.GetType().MakeByRefType(), specialization.GetType().MakeByRefType()])!
            .Invoke(backend, [entry, specialization])!;
        var ptx = (string)compiled.GetType().GetProperty("PTXAssembly")!.GetValue(compiled)!;
        Assert.That(ptx, Does.Contain(".target sm_80").And.Contain(".entry"));
        // An array in local memory would be one in the GPU's main memory, and not in registers.
        Assert.That(ptx, Does.Not.Contain(".local"));

        Type Type(string name) => ilgpu.GetType(name, throwOnError: true)!;
        object Value(string type, string name) => Type(type).GetField(name, AnyStatic)!.GetValue(null)!;
    }

    private static bool IsGrouped(MethodInfo method) => method.GetCustomAttribute<GroupedKernelAttribute>() is not null;
}
