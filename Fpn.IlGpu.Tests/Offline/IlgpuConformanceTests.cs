using System.Reflection;
using ILGPU;
using ILGPU.Backends.OpenCL;
using ILGPU.Backends.PTX;
using ILGPU.IR;
using ILGPU.IR.Intrinsics;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;

namespace Fpn.IlGpu.Tests.Offline;

/// <summary>What the library relies on in ILGPU: it must hold for the package and for the stand-in alike.</summary>
[TestFixture(false)]
[TestFixture(true)]
internal sealed class IlgpuConformanceTests(bool likeAGpu)
{
    private const BindingFlags AnyStatic = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;

    private Context context = null!;
    private Accelerator accelerator = null!;

    [OneTimeSetUp]
    public void Open()
    {
        context = Context.Create(builder =>
            (likeAGpu ? builder.CPU(CPUDeviceKind.Nvidia) : builder.CPU(new CPUDevice(2, 1, 1)))
            .EnableAlgorithms()
            .Optimize(OptimizationLevel.O2));
        accelerator = context.Devices[0].CreateAccelerator(context);
    }

    [OneTimeTearDown]
    public void Close()
    {
        accelerator.Dispose();
        context.Dispose();
    }

    [Test]
    public void Device_describes_itself()
    {
        Assert.That(context.GetCPUDevices().Count, Is.EqualTo(1));
        Assert.That(accelerator.AcceleratorType, Is.EqualTo(AcceleratorType.CPU));
        Assert.That(accelerator.MaxNumThreadsPerGroup, Is.EqualTo(likeAGpu ? 1024 : 2));
        Assert.That(accelerator.WarpSize, Is.EqualTo(likeAGpu ? 32 : 2));
        Assert.That(accelerator.Name, Is.EqualTo(context.Devices[0].Name));
    }

    [TestCase(1)]
    [TestCase(5)]
    [TestCase(3001)]
    public void Kernel_runs_once_for_every_index(int length)
    {
        using var values = accelerator.Allocate1D(Enumerable.Range(0, length).Select(i => (float)i).ToArray());
        var kernel = accelerator.LoadAutoGroupedKernel<Index1D, ArrayView<float>,
            IlgpuSurface.Line>(IlgpuSurface.Along);
        kernel(accelerator.DefaultStream, length, values.View, new IlgpuSurface.Line(3, 1));
        accelerator.Synchronize();
        Assert.That(values.GetAsArray1D(), Is.EqualTo(Enumerable.Range(0, length).Select(i => 3f * i + 1)));
    }

    [Test]
    public void Kernel_runs_in_two_dimensions()
    {
        using var values = accelerator.Allocate1D<int>(5 * 7);
        accelerator.LoadAutoGroupedKernel<Index2D, ArrayView<int>, int>(IlgpuSurface.Coordinates)(
            accelerator.DefaultStream, new Index2D(7, 5), values.View, 7);
        accelerator.Synchronize();
        int[] expected = [.. Enumerable.Range(0, 35).Select(i => 1000 * (i / 7) + i % 7)];
        Assert.That(values.GetAsArray1D(), Is.EqualTo(expected));
    }

    [Test]
    public void Local_memory_belongs_to_one_thread()
    {
        using var values = accelerator.Allocate1D<int>(1000);
        accelerator.LoadAutoGroupedKernel<Index1D, ArrayView<int>>(IlgpuSurface.Reversed)(
            accelerator.DefaultStream, 1000, values.View);
        accelerator.Synchronize();
        int[] expected = [.. Enumerable.Range(0, 1000).Select(i => i % 10 * 1000 + i / 10 % 10 * 100 + i / 100 * 10)];
        Assert.That(values.GetAsArray1D(), Is.EqualTo(expected));
    }

    [Test]
    public void Functions_give_what_the_processor_gives()
    {
        float[] x = [0.25f, 1, 1.75f, 2, 3.5f, 6];
        using var input = accelerator.Allocate1D(x);
        using var output = accelerator.Allocate1D<float>(x.Length);
        accelerator.LoadAutoGroupedKernel<Index1D, ArrayView<float>, ArrayView<float>>(IlgpuSurface.Functions)(
            accelerator.DefaultStream, x.Length, input.View, output.View);
        accelerator.Synchronize();
        float[] actual = output.GetAsArray1D();
        for (int i = 0; i < x.Length; i++)
        {
            double v = x[i];
            double expected = Math.Exp(v) + Math.Log(v) + Math.Sqrt(v) + Math.Floor(v) + Math.Ceiling(v) + Math.Tanh(v)
                + Math.Max(v, 2) - Math.Min(v, 2) + Math.Clamp(v, 1, 3) + v + Math.Pow(v, 1.5)
                + (i + 2) / 3 + Math.Clamp(i, 2, 5) + int.PopCount(i) + Math.Sqrt(v) + v;
            Assert.That(actual[i], Is.EqualTo(expected).Within(1e-5 * Math.Abs(expected)), $"element {i}");
        }
    }

    [Test]
    public void Intrinsic_runs_its_own_body_on_the_cpu()
    {
        var method = typeof(IlgpuSurface).GetMethod(nameof(IlgpuSurface.Twice), AnyStatic)!;
        const string Target = nameof(IlgpuSurface.TwiceDevice);
        var manager = context.GetIntrinsicManager();
        manager.RegisterMethod(method, new CLIntrinsic(typeof(IlgpuSurface), Target,
            IntrinsicImplementationMode.Redirect));
        manager.RegisterMethod(method, new PTXIntrinsic(typeof(IlgpuSurface), Target,
            IntrinsicImplementationMode.Redirect));
        using var values = accelerator.Allocate1D([1f, 2, 3]);
        accelerator.LoadAutoGroupedKernel<Index1D, ArrayView<float>>(IlgpuSurface.Doubled)(
            accelerator.DefaultStream, 3, values.View);
        accelerator.Synchronize();
        Assert.That(values.GetAsArray1D(), Is.EqualTo(new[] { 2f, 4, 6 }));
    }

    [Test]
    public void Group_reduces_through_shared_memory_and_barriers()
    {
        int threads = likeAGpu ? 128 : 2;
        int[] numbers = [.. Enumerable.Range(0, 5 * threads)];
        using var values = accelerator.Allocate1D(numbers);
        using var sums = accelerator.Allocate1D<int>(5);
        accelerator.LoadKernel<ArrayView<int>, ArrayView<int>>(IlgpuSurface.GroupSums)(
            accelerator.DefaultStream, (5, threads), values.View, sums.View);
        accelerator.Synchronize();
        Assert.That(sums.GetAsArray1D(), Is.EqualTo(numbers.Chunk(threads).Select(chunk => chunk.Sum())));
    }

    [Test]
    public void Thread_knows_its_place_in_the_grid()
    {
        Assume.That(likeAGpu, "a group of the other device has two threads");
        using var places = accelerator.Allocate1D<int>(6 * 8);
        accelerator.LoadKernel<ArrayView<int>, int>(IlgpuSurface.Places)(
            accelerator.DefaultStream, (new Index2D(2, 2), new Index2D(4, 3)), places.View, 8);
        accelerator.Synchronize();
        int[] expected = [.. Enumerable.Range(0, 48).Select(i => (x: i % 8, y: i / 8))
            .Select(p => 1000 * (p.y / 3) + 100 * (p.x / 4) + 10 * (p.y % 3) + p.x % 4)];
        Assert.That(places.GetAsArray1D(), Is.EqualTo(expected));
    }

    [Test]
    public void Views_share_the_memory_of_their_buffer()
    {
        using var buffer = accelerator.Allocate1D([0, 1, 2, 3, 4, 5, 6, 7]);
        ArrayView<int> all = buffer.View;
        var middle = all.SubView(2, 4);
        Assert.That(middle.Length, Is.EqualTo(4));
        Assert.That(middle.IntLength, Is.EqualTo(4));
        Assert.That(middle.SubView(1).Length, Is.EqualTo(3));
        Assert.That(all.Cast<long>().Length, Is.EqualTo(4));
        Assert.That(all.LengthInBytes, Is.EqualTo(32));
        Assert.That(ArrayView<int>.Empty.IsValid, Is.False);
        middle.MemSetToZero();
        accelerator.Synchronize();
        Assert.That(buffer.GetAsArray1D(), Is.EqualTo(new[] { 0, 1, 0, 0, 0, 0, 6, 7 }));
    }

    [Test]
    public void Copies_go_where_they_say()
    {
        using var stream = accelerator.CreateStream();
        using var source = accelerator.Allocate1D([1, 2, 3, 4]);
        using var target = accelerator.Allocate1D<int>(4);
        target.View.CopyFrom(stream, source.View);
        source.View.BaseView.SubView(0, 2).CopyTo(stream, target.View.BaseView.SubView(2, 2));
        stream.Synchronize();
        int[] copied = new int[4];
        target.CopyToCPU(copied);
        Assert.That(copied, Is.EqualTo(new[] { 1, 2, 1, 2 }));

        ReadOnlySpan<int> numbers = [7, 8, 9];
        target.View.BaseView.SubView(1, 3).CopyFromCPU(stream, numbers);
        Span<int> back = stackalloc int[4];
        target.View.CopyToCPU(stream, back);
        stream.Synchronize();
        Assert.That(back.ToArray(), Is.EqualTo(new[] { 1, 7, 8, 9 }));
    }

    [Test]
    public void Streams_keep_the_order_of_their_launches()
    {
        using var stream = accelerator.CreateStream();
        using var values = accelerator.Allocate1D<float>(100);
        values.MemSetToZero(stream);
        var kernel = accelerator.LoadAutoGroupedKernel<Index1D, ArrayView<float>,
            IlgpuSurface.Line>(IlgpuSurface.Along);
        for (int i = 0; i < 10; i++)
            kernel(stream, 100, values.View, new IlgpuSurface.Line(2, 1));
        stream.Synchronize();
        Assert.That(values.GetAsArray1D(), Is.All.EqualTo(1023f));
    }
}
