using System.Numerics;
using Fpn.IlGpu.Runtime;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// Sums of arrays, always added up in the same order: first parts of each array, then those parts.
/// <code>
/// sum   Σ i x[i]                     a loss from those of its rows
/// norm  √( Σ arrays Σ i x[i]² )      of all gradients together, by which they are clipped
/// </code>
/// </summary>
internal static class Sum
{
    private const int ShortestPart = 1024;
    private const int MostParts = 512;

    /// <summary>The sum of an array.</summary>
    /// <param name="device">Where both arrays are.</param>
    /// <param name="values">Any number.</param>
    /// <param name="output">[1].</param>
    public static void Run(Device device, ArrayView<float> values, ArrayView<float> output)
    {
        var parts = Parts(values);
        using var partial = device.Rent<float>(parts);
        device.Launch(PartKernel, parts, values, new Sizes((int)values.Length, parts, Squares: 0), 0, partial.View);
        device.Launch(LastKernel, 1, partial.View, new Sizes(parts, 1, Squares: 0), output);
    }

    /// <summary>The norm of several arrays as of one vector.</summary>
    /// <param name="device">Where all arrays are.</param>
    /// <param name="arrays">At least one.</param>
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
        // Twice, as there are many parts of many arrays.
        var groups = Division.CeilDiv(all, MostParts);
        using var fewer = device.Rent<float>(groups);
        device.Launch(PartKernel, groups, partial.View, new Sizes(all, groups, Squares: 0), 0, fewer.View);
        device.Launch(LastKernel, 1, fewer.View, new Sizes(groups, 1, Squares: 1), output);
    }

    /// <summary>One thread = the sum of one part, of the values or of their squares.</summary>
    internal static void PartKernel(Index1D index, ArrayView<float> values, Sizes sizes, int first, ArrayView<float> partial)
        => partial[first + index] = AddUp(values, index, sizes);

    /// <summary>One thread = all: the sum of the parts, or its root.</summary>
    internal static void LastKernel(Index1D index, ArrayView<float> partial, Sizes sizes, ArrayView<float> output)
    {
        var sum = 0f;
        for (var i = 0; i < sizes.Length; i++)
            sum += partial[i];
        output[index] = sizes.Squares != 0 ? XMath.Sqrt(sum) : sum;
    }

    /// <summary>On a CPU: of consecutive values, by SIMD.</summary>
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

    /// <summary>On a GPU: of values a stride apart, so that neighbouring threads read neighbours.</summary>
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
