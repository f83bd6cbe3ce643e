using Fpn.IlGpu.Ptx;
using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Fpn.IlGpu.Tests.Ptx;

/// <summary>Explicitly grouped C# kernels, compiled by ILGPU and interpreted: shared memory, barriers, inline PTX.</summary>
public sealed class GroupedKernelTests
{
    private const int GroupSize = 64;

    [TestCase(false)]
    [TestCase(true)]
    public void Threads_of_a_group_share_memory(bool reverse)
    {
        var kernel = PtxKernel.Compile(ReverseInGroupKernel);
        kernel.ReverseWarps = reverse;
        var output = new float[3 * GroupSize];
        kernel.LaunchGroups(3, GroupSize, Enumerable.Range(0, output.Length).Select(i => (float)i).ToArray(), new Scale(2, 1), output);
        Assert.That(output, Is.EqualTo(Enumerable.Range(0, output.Length)
            .Select(i => (2f * ((i / GroupSize * GroupSize) + GroupSize - 1 - (i % GroupSize))) + 1)));
    }

    [Test]
    public void A_forgotten_barrier_is_reported_as_a_race()
    {
        var kernel = PtxKernel.Compile(ForgottenBarrierKernel);
        Assert.That(
            () => kernel.LaunchGroups(1, GroupSize, new float[GroupSize], new float[GroupSize]),
            Throws.TypeOf<PtxException>().With.Message.Contains("no barrier between"));
    }

    [Test]
    public void Inline_tensor_core_instructions_run()
    {
        // A is 1 everywhere, B 2, C 0: every sum has 8 products.
        var output = new float[128];
        PtxKernel.Compile(TensorCoreKernel).LaunchGroups(1, 32, 1f, 2f, output);
        Assert.That(output, Is.All.EqualTo(16));
    }

    /// <summary>one thread = one element, taken from the mirrored position in its group</summary>
    private static void ReverseInGroupKernel(ArrayView<float> input, Scale scale, ArrayView<float> output)
    {
        var shared = ILGPU.SharedMemory.Allocate1D<float>(GroupSize);
        var i = (Grid.IdxX * GroupSize) + Group.IdxX;
        shared[Group.IdxX] = input[i];
        Group.Barrier();
        output[i] = (shared[GroupSize - 1 - Group.IdxX] * scale.Factor) + scale.Offset;
    }

    /// <summary>one thread = one element, read without waiting for the thread that writes it</summary>
    private static void ForgottenBarrierKernel(ArrayView<float> input, ArrayView<float> output)
    {
        var shared = ILGPU.SharedMemory.Allocate1D<float>(GroupSize);
        shared[Group.IdxX] = input[Group.IdxX];
        output[Group.IdxX] = shared[GroupSize - 1 - Group.IdxX];
    }

    /// <summary>one warp = one 16 × 8 product of depth 8</summary>
    private static void TensorCoreKernel(float a, float b, ArrayView<float> output)
    {
        CudaAsm.Emit(".reg .f32 c<4>; mov.f32 c0, 0f00000000; mov.f32 c1, c0; mov.f32 c2, c0; mov.f32 c3, c0;");
        CudaAsm.Emit(
            "{ .reg .b32 a, b; cvt.rna.tf32.f32 a, %0; cvt.rna.tf32.f32 b, %1;"
            + " mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {c0, c1, c2, c3}, {a, a, a, a}, {b, b}, {c0, c1, c2, c3}; }",
            a,
            b);
        CudaAsm.Emit("mov.f32 %0, c0;", out float sum);
        for (var i = 0; i < 4; i++)
            output[(Group.IdxX * 4) + i] = sum;
    }

    private readonly struct Scale(float factor, float offset)
    {
        public float Factor { get; } = factor;

        public float Offset { get; } = offset;
    }
}
