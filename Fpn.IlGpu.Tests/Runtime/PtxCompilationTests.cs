using System.Reflection;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Ptx;
using Fpn.IlGpu.Runtime;
using ILGPU;

namespace Fpn.IlGpu.Tests.Runtime;

/// <summary>Every kernel of the library compiles to PTX, which needs no GPU.</summary>
public sealed class PtxCompilationTests
{
    private const BindingFlags AnyStatic = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;

    private static IEnumerable<TestCaseData> Kernels()
        => from type in typeof(Device).Assembly.GetTypes()
           where type.Namespace?.StartsWith("Fpn.IlGpu", StringComparison.Ordinal) ?? false
           from method in type.GetMethods(AnyStatic | BindingFlags.DeclaredOnly)
           where method.GetParameters() is [var index, ..] && (index.ParameterType == typeof(Index1D) || IsGrouped(method))
           where method.GetCustomAttribute<CpuKernelAttribute>() is null
           select new TestCaseData(method).SetArgDisplayNames($"{type.Name}.{method.Name}");

    [TestCaseSource(nameof(Kernels))]
    public void Every_kernel_compiles_to_ptx_without_local_memory(MethodInfo kernel)
    {
        var ptx = PtxCompiler.Compile(kernel);
        Assert.That(ptx, Does.Contain(".target sm_80").And.Contain(".entry"));
        // Local memory is part of the GPU's main memory: arrays must stay in registers.
        Assert.That(ptx, Does.Not.Contain(".local"));
    }

    // The instructions that make these kernels fast: accesses of 16 bytes, and for tensor cores asynchronous copies and products.
    [TestCase(nameof(RegisterTile), nameof(RegisterTile.Kernel), "ld.global.v4.f32", "ld.shared.v4.f32", "st.global.v4.f32")]
    [TestCase(nameof(TensorTile), nameof(TensorTile.Tf32Kernel), "m16n8k8.row.col.f32.tf32.tf32.f32", "cp.async.cg", "st.global.v4.f32")]
    [TestCase(nameof(TensorTile), nameof(TensorTile.Fp16Kernel), "m16n8k16.row.col.f32.f16.f16.f32", "cp.async.cg", "st.global.v4.f32")]
    public void The_fast_kernels_use_the_wide_instructions(string type, string method, params string[] instructions)
    {
        var kernel = typeof(RegisterTile).Assembly.GetType($"Fpn.IlGpu.Kernels.{type}")!.GetMethod(method, AnyStatic)!;
        var ptx = PtxCompiler.Compile(kernel);
        foreach (var instruction in instructions)
            Assert.That(ptx, Does.Contain(instruction));
    }

    private static bool IsGrouped(MethodInfo method) => method.GetCustomAttribute<GroupedKernelAttribute>() is not null;
}
