using System.Runtime.Intrinsics;
using ILGPU;

namespace Fpn.IlGpu.Tests.KernelIl;

/// <summary>Says for which reason the walker must refuse a kernel.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class RefusedAttribute(string reason) : Attribute
{
    public string Reason { get; } = reason;
}

/// <summary>Kernels with one mistake each.</summary>
internal static class RefusedKernels
{
    internal static int Changing;
    internal static readonly float[] Table = [1, 2, 3];

    internal struct WithBool
    {
        public int Number;
        public bool Flag;
    }

    internal readonly struct Scale : IScale
    {
        public float Of(float value) => 2 * value;
    }

    internal interface IScale
    {
        float Of(float value);
    }

    [Refused("creates an array")]
    internal static void Array(Index1D i, ArrayView<int> values)
    {
        int[] numbers = [i, i, i];
        values[i] = numbers[1];
    }

    [Refused("creates an object of class")]
    internal static void Object(Index1D i, ArrayView<int> values) => values[i] = new Version(i, 0).Major;

    [Refused("boxes a value")]
    internal static void Box(Index1D i, ArrayView<int> values)
    {
        object boxed = i.X;
        values[i] = boxed.GetHashCode();
    }

    [Refused("uses a string")]
    internal static void String(Index1D i, ArrayView<int> values) => values[i] = "abc".Length;

    [Refused("throws")]
    internal static void Throw(Index1D i, ArrayView<int> values)
    {
        if (values.Length == 0)
            throw null!;
        values[i] = 0;
    }

    [Refused("interface")]
    internal static void Interface(Index1D i, ArrayView<float> values) => values[i] = Apply(new Scale(), values[i]);

    [Refused("delegate")]
    internal static void Delegate(Index1D i, ArrayView<int> values)
    {
        Func<int, int> twice = static n => 2 * n;
        values[i] = twice(i);
    }

    [Refused("recursion")]
    internal static void Recursion(Index1D i, ArrayView<int> values) => values[i] = Factorial(i);

    [Refused("which can change")]
    internal static void StaticField(Index1D i, ArrayView<int> values) => values[i] = Changing;

    [Refused("writes the static field")]
    internal static void StaticStore(Index1D i, ArrayView<int> values) => Changing = values[i];

    [Refused("of which ILGPU keeps no copy")]
    internal static void StaticTable(Index1D i, ArrayView<float> values) => values[i] = Table[1];

    [Refused("try block")]
    internal static void Try(Index1D i, ArrayView<int> values)
    {
        try
        {
            values[i] = 1;
        }
        finally
        {
            values[0] = 2;
        }
    }

    [Refused("flag is Boolean")]
    internal static void BoolParameter(Index1D i, ArrayView<int> values, bool flag) => values[i] = flag ? 1 : 0;

    [Refused("options.Flag is Boolean")]
    internal static void BoolInStruct(Index1D i, ArrayView<int> values, WithBool options) => values[i] = options.Number;

    [Refused("numbers is Int32[]")]
    internal static void ArrayParameter(Index1D i, ArrayView<int> values, int[] numbers) => values[i] = numbers.Length;

    [Refused("Math.Clamp, which ILGPU does not know")]
    internal static void UnknownCall(Index1D i, ArrayView<int> values) => values[i] = Math.Clamp(i.X, 0, 3);

    [Refused("SIMD type")]
    internal static void Simd(Index1D i, ArrayView<float> values)
    {
        var four = Vector128.Create(values[i]);
        values[i] = Vector128.Sum(four);
    }

    [Refused("allocates on the stack")]
    internal static unsafe void Stack(Index1D i, ArrayView<int> values)
    {
        int* numbers = stackalloc int[4];
        values[i] = numbers[0];
    }

    [Refused("RefusedKernels.Deep > RefusedKernels.Middle > RefusedKernels.Bottom throws")]
    internal static void Deep(Index1D i, ArrayView<int> values) => values[i] = Middle(i);

    private static int Middle(int n) => Bottom(n) + 1;

    private static int Bottom(int n) => n > 0 ? n : throw null!;

    private static int Factorial(int n) => n < 2 ? 1 : n * Factorial(n - 1);

#pragma warning disable CA1859 // the call through the interface is the mistake
    private static float Apply(IScale scale, float value) => scale.Of(value);
#pragma warning restore CA1859
}
