using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.IR.Intrinsics;

// ILGPU compiles its launchers into an assembly of this name, which must see the structs that kernels take.
[assembly: InternalsVisibleTo("ILGPURuntime")]

namespace Fpn.IlGpu.Tests.Offline;

/// <summary>Kernels of the conformance tests: each uses one thing that ILGPU and its stand-in must agree on.</summary>
internal static class IlgpuSurface
{
    internal readonly record struct Line(float Slope, float Offset);

    // one thread = one element: values[i] = slope * values[i] + offset
    internal static void Along(Index1D i, ArrayView<float> values, Line line) =>
        values[i] = line.Slope * values[i] + line.Offset;

    // one thread = one element of a picture of `columns` columns
    internal static void Coordinates(Index2D i, ArrayView<int> values, int columns) =>
        values[i.Y * columns + i.X] = 1000 * i.Y + i.X;

    // one thread = one element, through memory that only it sees
    internal static void Reversed(Index1D i, ArrayView<int> values)
    {
        var digits = LocalMemory.Allocate1D<int>(4);
        int rest = i;
        for (int d = 0; d < 4; d++)
        {
            digits[d] = rest % 10;
            rest /= 10;
        }

        values[i] = digits[0] * 1000 + digits[1] * 100 + digits[2] * 10 + digits[3];
    }

    // one thread = one element
    internal static void Functions(Index1D i, ArrayView<float> x, ArrayView<float> y)
    {
        float v = x[i];
        float a = XMath.Exp(v) + XMath.Log(v) + XMath.Sqrt(v) + XMath.Floor(v) + XMath.Ceiling(v) + XMath.Tanh(v);
        float b = XMath.Max(v, 2f) - XMath.Min(v, 2f) + XMath.Clamp(v, 1f, 3f) + XMath.Abs(-v) + XMath.Pow(v, 1.5f);
        int c = IntrinsicMath.DivRoundUp(i, 3) + IntrinsicMath.Clamp(i, 2, 5) + IntrinsicMath.PopCount((uint)i.X);
        y[i] = a + b + c + MathF.Sqrt(v) + Interop.IntAsFloat(Interop.FloatAsInt(v));
    }

    // one thread = one element; what is called is an intrinsic, whose own body runs on CPUs
    internal static void Doubled(Index1D i, ArrayView<float> values) => Twice(values, i);

    [IntrinsicImplementation]
    internal static void Twice(ArrayView<float> values, int i) => values[i] = (float)(2m * (decimal)values[i]);

    internal static void TwiceDevice(ArrayView<float> values, int i) => values[i] *= 2;

    // one group = one sum of as many elements as it has threads, by halving
    internal static void GroupSums(ArrayView<int> values, ArrayView<int> sums)
    {
        var shared = SharedMemory.Allocate1D<int>(128);
        int thread = Group.IdxX;
        shared[thread] = values[Grid.GlobalIndex.X];
        Group.Barrier();
        for (int reach = Group.DimX / 2; reach > 0; reach /= 2)
        {
            if (thread < reach)
                shared[thread] += shared[thread + reach];
            Group.Barrier();
        }

        if (Group.IsFirstThread)
            sums[Grid.IdxX] = shared[0];
    }

    // one thread = one element: where it is, in a grid and in a group of two dimensions
    internal static void Places(ArrayView<int> places, int columns)
    {
        var at = Grid.GlobalIndex;
        places[at.Y * columns + at.X] = 1000 * Grid.IdxY + 100 * Grid.IdxX + 10 * Group.IdxY + Group.IdxX;
    }

    // one thread = one element; thread 0 of each group leaves before the barrier
    internal static void Diverging(ArrayView<int> values)
    {
        if (Group.IdxX > 0)
            Group.Barrier();
        values[Grid.GlobalIndex.X] = 1;
    }

    // one thread = one element beyond the one it was launched for
    internal static void OutOfRange(Index1D i, ArrayView<int> values) => values[i + 1] = i;
}
