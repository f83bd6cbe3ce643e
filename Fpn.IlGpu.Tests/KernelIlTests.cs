using System.Reflection;
using Fpn.IlGpu.Tests.KernelIl;

namespace Fpn.IlGpu.Tests;

/// <summary>
/// The stand-in for ILGPU runs any C#, so only these tests tell, where the package is not, that a kernel uses
/// something that no device can run.
/// </summary>
internal sealed class KernelIlTests
{
    private const BindingFlags AnyStatic =
        BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    private static readonly Assembly Library = Assembly.Load("Fpn.IlGpu");

    private static IEnumerable<MethodInfo> Refused =>
        typeof(RefusedKernels).GetMethods(AnyStatic).Where(method =>
            method.GetCustomAttribute<RefusedAttribute>() is not null);

    [Test]
    public void Kernels_of_the_library_use_only_what_ilgpu_compiles()
    {
        var refusals = Kernels(Library).SelectMany(KernelWalker.Refusals).ToList();
        Assert.That(refusals, Is.Empty, string.Join(Environment.NewLine, refusals));
    }

    [Test]
    public void Kernels_are_found_by_their_index_and_by_their_attributes()
    {
        string[] found = [.. Kernels(typeof(KernelIlTests).Assembly)
            .Where(method => method.DeclaringType == typeof(AcceptedKernels))
            .Select(method => method.Name)];
        Assert.That(found, Is.EquivalentTo((string[])["Structs", "Functions", "Intrinsic", "WideDevice"]));
    }

    [Test]
    public void Kernels_that_ilgpu_compiles_are_accepted()
    {
        var refusals = Kernels(typeof(KernelIlTests).Assembly)
            .Where(method => method.DeclaringType != typeof(RefusedKernels))
            .SelectMany(KernelWalker.Refusals)
            .ToList();
        Assert.That(refusals, Is.Empty, string.Join(Environment.NewLine, refusals));
    }

    [TestCaseSource(nameof(Refused))]
    public void Kernel_that_no_device_can_run_is_refused(MethodInfo kernel)
    {
        string reason = kernel.GetCustomAttribute<RefusedAttribute>()!.Reason;
        Assert.That(KernelWalker.Refusals(kernel), Has.Some.Contains(reason));
    }

    /// <summary>
    /// Kernels that run once for every index, kernels that run in groups, and the bodies that devices run instead of
    /// an intrinsic's own.
    /// </summary>
    private static IEnumerable<MethodInfo> Kernels(Assembly assembly) =>
        from type in assembly.GetTypes()
        where !KernelWalker.IsIlgpu(type)
        from method in type.GetMethods(AnyStatic)
        where !KernelWalker.IsMarked(method, "IntrinsicImplementationAttribute")
        let first = method.GetParameters().FirstOrDefault()?.ParameterType.FullName
        where first is "ILGPU.Index1D" or "ILGPU.Index2D" or "ILGPU.Index3D"
            || KernelWalker.IsMarked(method, "GroupedKernelAttribute")
            || KernelWalker.IsMarked(method, "DeviceBodyAttribute")
        select method;
}
