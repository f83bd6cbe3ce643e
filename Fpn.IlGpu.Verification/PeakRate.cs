using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Fpn.IlGpu.Runtime;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Verification;

/// <summary>
/// The measured peak rate of a device's float32 operations: multiply-adds without loads, in so many independent chains that
/// none waits for another. A kernel's rate is a share of this peak. Tensor cores and Winograd may exceed it, because they
/// do not do those multiply-adds. The clock of a cold or shared machine varies, so samples are taken throughout a run, and
/// the best one counts.
/// </summary>
internal sealed class PeakRate : IDisposable
{
    // Many short samples: some run undisturbed even if other processes want the cores.
    private const int FirstSamples = 20;
    private const double EnoughMs = 10;
    private const int CpuChains = 12;
    private const int ScalarChains = 16;
    private const int ScalarSteps = 4;

    // Chains converge to Addend / (1 − Factor), so they neither overflow nor become denormal.
    private const float Factor = 0.75f;
    private const float Addend = 0.25f;

    private readonly Device device;
    private readonly Device? processor;
    private readonly Work work;

    /// <summary>Measures the device's peak. For an OpenCL driver of this machine's processor, measures the CPU device instead.</summary>
    public PeakRate(Device device)
    {
        if (device.Info.Kind == DeviceKind.OpenCl && !device.IsGpu)
            device = processor = Device.Open("cpu");
        this.device = device;
        work = device.Info.Kind == DeviceKind.Cpu
            ? new Work(device, CpuKernel, device.Threads * 8, CpuChains * CpuLanes)
            : new Work(device, ScalarKernel, 1 << 19, ScalarChains * ScalarSteps);
        for (var i = 0; i < FirstSamples; i++)
            Sample();
    }

    /// <summary>The best rate so far, in operations per second; a multiply-add counts as two.</summary>
    public double Flops { get; private set; }

    private static int CpuLanes => Vector512.IsHardwareAccelerated ? Vector512<float>.Count : Vector256<float>.Count;

    /// <summary>Takes another sample.</summary>
    public void Sample() => Flops = Math.Max(Flops, work.Flops(device));

    /// <inheritdoc/>
    public void Dispose()
    {
        work.Dispose();
        processor?.Dispose();
    }

    /// <summary>One thread = <paramref name="rounds"/> rounds of chains in SIMD registers.</summary>
    internal static void CpuKernel(Index1D index, int rounds, ArrayView<float> output) => output[index] = SimdChains(index, rounds);

    /// <summary>One thread = <paramref name="rounds"/> rounds of 16 chains, with four steps of each.</summary>
    internal static void ScalarKernel(Index1D index, int rounds, ArrayView<float> output)
    {
        float s0 = (int)index;
        var (s1, s2, s3, s4, s5) = (s0 + 1, s0 + 2, s0 + 3, s0 + 4, s0 + 5);
        var (s6, s7, s8, s9, s10) = (s0 + 6, s0 + 7, s0 + 8, s0 + 9, s0 + 10);
        var (s11, s12, s13, s14, s15) = (s0 + 11, s0 + 12, s0 + 13, s0 + 14, s0 + 15);
        for (var i = 0; i < rounds; i++)
        {
            s0 = FourSteps(s0);
            s1 = FourSteps(s1);
            s2 = FourSteps(s2);
            s3 = FourSteps(s3);
            s4 = FourSteps(s4);
            s5 = FourSteps(s5);
            s6 = FourSteps(s6);
            s7 = FourSteps(s7);
            s8 = FourSteps(s8);
            s9 = FourSteps(s9);
            s10 = FourSteps(s10);
            s11 = FourSteps(s11);
            s12 = FourSteps(s12);
            s13 = FourSteps(s13);
            s14 = FourSteps(s14);
            s15 = FourSteps(s15);
        }
        output[index] = s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8 + s9 + s10 + s11 + s12 + s13 + s14 + s15;
    }

    private static float FourSteps(float s)
        => (((s * Factor + Addend) * Factor + Addend) * Factor + Addend) * Factor + Addend;

    /// <summary>For a CPU: 12 chains of one register each. Two multipliers with a latency of four cycles need eight.</summary>
    [IntrinsicImplementation]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float SimdChains(int seed, int rounds)
        => Vector512.IsHardwareAccelerated ? SimdChains512(seed, rounds) : SimdChains256(seed, rounds);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float SimdChains512(int seed, int rounds)
    {
        var factor = Vector512.Create(Factor);
        var addend = Vector512.Create(Addend);
        var s0 = Vector512.Create((float)seed);
        Vector512<float> s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0, s8 = s0, s9 = s0, s10 = s0, s11 = s0;
        for (var i = 0; i < rounds; i++)
        {
            s0 = Vector512.MultiplyAddEstimate(s0, factor, addend);
            s1 = Vector512.MultiplyAddEstimate(s1, factor, addend);
            s2 = Vector512.MultiplyAddEstimate(s2, factor, addend);
            s3 = Vector512.MultiplyAddEstimate(s3, factor, addend);
            s4 = Vector512.MultiplyAddEstimate(s4, factor, addend);
            s5 = Vector512.MultiplyAddEstimate(s5, factor, addend);
            s6 = Vector512.MultiplyAddEstimate(s6, factor, addend);
            s7 = Vector512.MultiplyAddEstimate(s7, factor, addend);
            s8 = Vector512.MultiplyAddEstimate(s8, factor, addend);
            s9 = Vector512.MultiplyAddEstimate(s9, factor, addend);
            s10 = Vector512.MultiplyAddEstimate(s10, factor, addend);
            s11 = Vector512.MultiplyAddEstimate(s11, factor, addend);
        }
        return Vector512.Sum(s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8 + s9 + s10 + s11);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float SimdChains256(int seed, int rounds)
    {
        var factor = Vector256.Create(Factor);
        var addend = Vector256.Create(Addend);
        var s0 = Vector256.Create((float)seed);
        Vector256<float> s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0, s8 = s0, s9 = s0, s10 = s0, s11 = s0;
        for (var i = 0; i < rounds; i++)
        {
            s0 = Vector256.MultiplyAddEstimate(s0, factor, addend);
            s1 = Vector256.MultiplyAddEstimate(s1, factor, addend);
            s2 = Vector256.MultiplyAddEstimate(s2, factor, addend);
            s3 = Vector256.MultiplyAddEstimate(s3, factor, addend);
            s4 = Vector256.MultiplyAddEstimate(s4, factor, addend);
            s5 = Vector256.MultiplyAddEstimate(s5, factor, addend);
            s6 = Vector256.MultiplyAddEstimate(s6, factor, addend);
            s7 = Vector256.MultiplyAddEstimate(s7, factor, addend);
            s8 = Vector256.MultiplyAddEstimate(s8, factor, addend);
            s9 = Vector256.MultiplyAddEstimate(s9, factor, addend);
            s10 = Vector256.MultiplyAddEstimate(s10, factor, addend);
            s11 = Vector256.MultiplyAddEstimate(s11, factor, addend);
        }
        return Vector256.Sum(s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8 + s9 + s10 + s11);
    }

    /// <summary>A kernel with so many rounds that the overhead of its launch does not show.</summary>
    private sealed class Work : IDisposable
    {
        private readonly Action<Index1D, int, ArrayView<float>> kernel;
        private readonly DeviceArray<float> output;
        private readonly int threads;
        private readonly int multiplyAddsARound;
        private readonly int rounds = 64;

        public Work(Device device, Action<Index1D, int, ArrayView<float>> kernel, int threads, int multiplyAddsARound)
        {
            (this.kernel, this.threads, this.multiplyAddsARound) = (kernel, threads, multiplyAddsARound);
            output = device.Rent<float>(threads);
            Ms(device);
            double ms;
            while ((ms = Ms(device)) < EnoughMs && rounds < 1 << 28)
                rounds = (int)Math.Min(1 << 28, rounds * Math.Clamp(1.2 * EnoughMs / ms, 2, 64));
        }

        public double Flops(Device device) => 2e3 * threads * rounds * multiplyAddsARound / Ms(device);

        public void Dispose() => output.Dispose();

        private double Ms(Device device)
        {
            var began = Stopwatch.GetTimestamp();
            device.Launch(kernel, threads, rounds, output.View);
            device.Synchronize();
            return Stopwatch.GetElapsedTime(began).TotalMilliseconds;
        }
    }
}
