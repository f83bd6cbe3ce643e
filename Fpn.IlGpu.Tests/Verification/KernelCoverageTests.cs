using System.Collections.Concurrent;
using System.Reflection;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Verification;
using ILGPU;

namespace Fpn.IlGpu.Tests.Verification;

/// <summary>
/// <c>fpn verify</c> leaves no kernel out: each kernel of the library is launched by a case of an operator, on the kind of device
/// that it is for. The shipped model doesn't count, because it wouldn't tell which kernel is wrong.
/// </summary>
internal sealed class KernelCoverageTests
{
    private const BindingFlags AnyStatic =
        BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    private static readonly DeviceInfo Cpu = new("cpu", DeviceKind.Cpu, "A CPU", 1L << 34, null, false);
    private static readonly DeviceInfo OpenClCpu = Cpu with { Id = "opencl:0", Kind = DeviceKind.OpenCl };
    private static readonly DeviceInfo OpenClGpu = OpenClCpu with { Name = "A GPU", IsGpu = true };
    private static readonly DeviceInfo Cuda = OpenClGpu with { Id = "cuda:0", Kind = DeviceKind.Cuda, HasTensorCores = true };

    private static IEnumerable<MethodInfo> Kernels
        => from type in typeof(Device).Assembly.GetTypes()
           where (type.Namespace?.StartsWith("Fpn.IlGpu", StringComparison.Ordinal) ?? false)
           from method in type.GetMethods(AnyStatic)
           where method.GetParameters() is [var first, ..]
               && (first.ParameterType == typeof(Index1D)
                   || Marked<GroupedKernelAttribute>(method) || Marked<OpenClCpuKernelAttribute>(method))
           select method;

    [Test]
    public void Every_kernel_is_launched_by_a_case_on_its_kind_of_device()
    {
        // One list for all devices, whose cases share the results of the nested loops.
        VerifiedOperator[] operators = [.. VerifiedOperators.All.Where(o => o.Name != ShippedModelCase.Operator.Name)];
        var onCpu = Launched(operators, (Cpu, Precision.Fp32));
        var elsewhere = Launched(
            operators, (OpenClCpu, Precision.Fp32), (OpenClGpu, Precision.Fp32), (Cuda, Precision.Fp32), (Cuda, Precision.Tf32),
            (Cuda, Precision.Fp16));
        Assert.Multiple(() =>
        {
            Assert.That(Names(Kernels.Except(onCpu.Concat(elsewhere))), Is.Empty, "kernels without a case");
            Assert.That(Names(Kernels.Where(Marked<CpuKernelAttribute>).Except(onCpu)), Is.Empty, "kernels for CPUs without a case there");
            Assert.That(Names(onCpu.Where(Marked<GroupedKernelAttribute>)), Is.Empty, "kernels for GPUs on a CPU");
            Assert.That(Names(elsewhere.Where(Marked<CpuKernelAttribute>)), Is.Empty, "kernels for CPUs elsewhere");
        });
    }

    [Test]
    public void Kernels_are_found_and_launches_are_recorded()
    {
        var launched = Launched([DeviceVerificationTests.Wrong], (Cpu, Precision.Fp32));
        Assert.That(Names(launched), Is.EqualTo(new[] { "MaxPool.Kernel" }));
        Assert.That(Kernels, Is.SupersetOf(launched));
        Assert.That(Names(Kernels), Is.SupersetOf((string[])["TensorTile.Tf32Kernel", "UnfoldedConvolution.ProductKernel"]));
    }

    private static MethodInfo[] Launched(IEnumerable<VerifiedOperator> operators, params (DeviceInfo Info, Precision Precision)[] devices)
    {
        var launched = new ConcurrentDictionary<MethodInfo, bool>();
        foreach (var (info, precision) in devices)
        {
            using var device = RecordingDevice.Open(info, precision, launched);
            foreach (var one in operators.SelectMany(o => o.Cases(device)))
            {
                try
                {
                    one.Run(device, new Findings());
                }
                catch (Exception e) when (e is ArgumentException or IndexOutOfRangeException)
                {
                    // Nothing was computed, so a count or an index that a case reads may be anything.
                }
            }
        }
        return [.. launched.Keys];
    }

    private static IEnumerable<string> Names(IEnumerable<MethodInfo> kernels)
        => kernels.Select(k => $"{k.DeclaringType!.Name}.{k.Name}").Order(StringComparer.Ordinal);

    private static bool Marked<T>(MethodInfo method)
        where T : Attribute
        => method.GetCustomAttribute<T>() is not null;
}
