using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;

namespace Fpn.IlGpu.Tests.Offline;

/// <summary>What only the stand-in for ILGPU promises: it finds the mistakes that a device would hide.</summary>
internal sealed class IlgpuStandInTests
{
    [SetUp]
    public void Only_with_the_stand_in()
    {
        if (typeof(Context).Assembly.GetName().Name == "ILGPU")
            Assert.Ignore("ILGPU comes from its package, which does not check these.");
    }

    [TestCase(2)]
    [TestCase(5000)]
    public void Access_out_of_range_throws_on_the_launching_thread(int length)
    {
        using var context = Context.Create(builder => builder.CPU(CPUDeviceKind.Nvidia));
        using var accelerator = context.Devices[0].CreateAccelerator(context);
        using var values = accelerator.Allocate1D<int>(length);
        var kernel = accelerator.LoadAutoGroupedKernel<Index1D, ArrayView<int>>(IlgpuSurface.OutOfRange);
        Assert.That(
            () => kernel(accelerator.DefaultStream, length, values.View),
            Throws.InstanceOf<IndexOutOfRangeException>().With.Message.Contains($"{length} elements"));

        // The accelerator is as good as before.
        kernel(accelerator.DefaultStream, length - 1, values.View);
        Assert.That(values.GetAsArray1D()[1], Is.Zero);
    }

    [Test]
    public void Sub_view_out_of_range_throws()
    {
        using var context = Context.Create(builder => builder.CPU(CPUDeviceKind.Nvidia));
        using var accelerator = context.Devices[0].CreateAccelerator(context);
        using var values = accelerator.Allocate1D<int>(4);
        Assert.That(() => values.View.BaseView.SubView(2, 3), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => values.View.BaseView.SubView(5), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [Test]
    [CancelAfter(30_000)]
    public void Threads_that_diverge_around_a_barrier_throw_instead_of_waiting()
    {
        using var context = Context.Create(builder => builder.CPU(CPUDeviceKind.Nvidia));
        using var accelerator = context.Devices[0].CreateAccelerator(context);
        using var values = accelerator.Allocate1D<int>(64);
        var kernel = accelerator.LoadKernel<ArrayView<int>>(IlgpuSurface.Diverging);
        Assert.That(
            () => kernel(accelerator.DefaultStream, (2, 32), values.View),
            Throws.InvalidOperationException.With.Message.Contains("diverged"));
    }

    [Test]
    public void Memory_that_nobody_wrote_is_not_zero()
    {
        using var context = Context.Create(builder => builder.CPU(CPUDeviceKind.Nvidia));
        using var accelerator = context.Devices[0].CreateAccelerator(context);
        using var values = accelerator.Allocate1D<float>(3);
        Assert.That(values.GetAsArray1D(), Is.All.NaN);
    }

    [Test]
    public void Kernel_that_captures_a_value_is_refused()
    {
        using var context = Context.Create(builder => builder.CPU(CPUDeviceKind.Nvidia));
        using var accelerator = context.Devices[0].CreateAccelerator(context);
        int captured = Environment.ProcessorCount;
        Assert.That(
            () => accelerator.LoadAutoGroupedKernel<Index1D, ArrayView<int>>((i, view) => view[i] = captured),
            Throws.InstanceOf<NotSupportedException>());
    }
}
