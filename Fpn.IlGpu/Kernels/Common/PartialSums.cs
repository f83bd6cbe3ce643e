using System.Numerics;
using Fpn.IlGpu.Runtime;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The second pass of sums that were split to give more threads work:
/// <code>out[i] (+)= Σ p  partial[p, i]</code>
/// The parts are added in the order of p, whichever thread computed them: no atomics, and the same bits in every run.
/// </summary>
internal static class PartialSums
{
    /// <summary>Adds up the parts.</summary>
    /// <param name="device">The device that holds both arrays.</param>
    /// <param name="partial">[parts, length].</param>
    /// <param name="parts">The number of parts.</param>
    /// <param name="accumulate">Whether to add to the output instead of overwriting it.</param>
    /// <param name="output">[length].</param>
    public static void Combine(Device device, ArrayView<float> partial, int parts, bool accumulate, ArrayView<float> output)
    {
        var length = (int)output.Length;
        var grain = Grain.For(device, length, 1);
        device.Launch(Kernel, grain.Threads(length, 1), partial, new Sizes(length, parts, accumulate ? 1 : 0), grain, output);
    }

    /// <summary>One thread = some consecutive sums i (see <see cref="Grain"/>).</summary>
    internal static void Kernel(Index1D index, ArrayView<float> partial, Sizes sizes, Grain grain, ArrayView<float> output)
    {
        var first = index * grain.Pixels;
        AddUp(partial, sizes, first, IntrinsicMath.Min(first + grain.Pixels, sizes.Length), output);
    }

    /// <summary>The CPU body: several sums at a time, by SIMD.</summary>
    [IntrinsicImplementation]
    public static void AddUp(ArrayView<float> partial, Sizes sizes, int first, int end, ArrayView<float> output)
    {
        for (; first + Vector<float>.Count <= end; first += Vector<float>.Count)
        {
            var sum = sizes.Accumulate != 0 ? ChannelRun.Load(output, first) : Vector<float>.Zero;
            for (var part = 0; part < sizes.Parts; part++)
                sum += ChannelRun.Load(partial, part * sizes.Length + first);
            ChannelRun.Store(sum, output, first);
        }
        AddUpOnDevice(partial, sizes, first, end, output);
    }

    /// <summary>The GPU body: usually one sum.</summary>
    [DeviceBody(nameof(AddUp))]
    public static void AddUpOnDevice(ArrayView<float> partial, Sizes sizes, int first, int end, ArrayView<float> output)
    {
        for (var i = first; i < end; i++)
        {
            var sum = sizes.Accumulate != 0 ? output[i] : 0f;
            for (var part = 0; part < sizes.Parts; part++)
                sum += partial[part * sizes.Length + i];
            output[i] = sum;
        }
    }

    internal readonly record struct Sizes(int Length, int Parts, int Accumulate);
}
