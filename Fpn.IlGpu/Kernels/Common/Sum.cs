using System.Numerics;
using Fpn.IlGpu.Runtime;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// Sums over arrays, always added in the same order: first the parts of each array, then those parts.
/// <code>
/// sum   Σ i x[i]                     the loss, from the losses of its rows
/// norm  √( Σ arrays Σ i x[i]² )      of all gradients together, for clipping
/// </code>
/// </summary>
internal static class Sum
{
    private const int ShortestPart = 1024;
    private const int MostParts = 512;

    /// <summary>Computes the sum of an array.</summary>
    /// <param name="device">The device that holds both arrays.</param>
    /// <param name="values">[length].</param>
    /// <param name="output">[1].</param>
    public static void Run(Device device, ArrayView<float> values, ArrayView<float> output)
    {
        var parts = Parts(values);
        using var partial = device.Rent<float>(parts);
        device.Launch(PartKernel, parts, values, new Sizes((int)values.Length, parts, Squares: 0), 0, partial.View);
        device.Launch(LastKernel, 1, partial.View, new Sizes(parts, 1, Squares: 0), output);
    }

    /// <summary>Computes the norm of several arrays, taken together as one vector.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="arrays">At least one array, of any length.</param>
    /// <param name="output">[1].</param>
    public static void Norm(Device device, IReadOnlyList<ArrayView<float>> arrays, ArrayView<float> output)
    {
        var all = arrays.Sum(Parts);
        using var partial = device.Rent<float>(all);
        var first = 0;
        foreach (var values in arrays)
        {
            var parts = Parts(values);
            device.Launch(PartKernel, parts, values, new Sizes((int)values.Length, parts, Squares: 1), first, partial.View);
            first += parts;
        }
        // A second pass over the parts: many arrays have more parts than one thread should add.
        var groups = Division.CeilDiv(all, MostParts);
        using var fewer = device.Rent<float>(groups);
        device.Launch(PartKernel, groups, partial.View, new Sizes(all, groups, Squares: 0), 0, fewer.View);
        device.Launch(LastKernel, 1, fewer.View, new Sizes(groups, 1, Squares: 1), output);
    }

    /// <summary>One thread = the sum of one part of the values, or of their squares.</summary>
    internal static void PartKernel(Index1D index, ArrayView<float> values, Sizes sizes, int first, ArrayView<float> partial)
        => partial[first + index] = AddUp(values, index, sizes);

    /// <summary>One thread = the whole result: the sum of the parts, or its root.</summary>
    internal static void LastKernel(Index1D index, ArrayView<float> partial, Sizes sizes, ArrayView<float> output)
    {
        var sum = 0f;
        for (var i = 0; i < sizes.Length; i++)
            sum += partial[i];
        output[index] = sizes.Squares != 0 ? XMath.Sqrt(sum) : sum;
    }

    /// <summary>The CPU body: a part is a run of consecutive values, added by SIMD.</summary>
    [IntrinsicImplementation]
    public static float AddUp(ArrayView<float> values, int part, Sizes sizes)
    {
        var from = (int)((long)sizes.Length * part / sizes.Parts);
        var own = ChannelRun.Span(values, from, (int)((long)sizes.Length * (part + 1) / sizes.Parts) - from);
        var vectors = ChannelRun.Vectors(own);
        var sums = Vector<float>.Zero;
        foreach (var vector in vectors)
            sums += sizes.Squares != 0 ? vector * vector : vector;
        var sum = Vector.Sum(sums);
        foreach (var value in own[(vectors.Length * Vector<float>.Count)..])
            sum += sizes.Squares != 0 ? value * value : value;
        return sum;
    }

    /// <summary>The GPU body: a part is every parts-th value, so that neighbouring threads read neighbouring addresses.</summary>
    [DeviceBody(nameof(AddUp))]
    public static float AddUpOnDevice(ArrayView<float> values, int part, Sizes sizes)
    {
        var sum = 0f;
        for (var i = part; i < sizes.Length; i += sizes.Parts)
            sum += sizes.Squares != 0 ? values[i] * values[i] : values[i];
        return sum;
    }

    private static int Parts(ArrayView<float> values) => Math.Clamp((int)(values.Length / ShortestPart), 1, MostParts);

    internal readonly record struct Sizes(int Length, int Parts, int Squares);
}
