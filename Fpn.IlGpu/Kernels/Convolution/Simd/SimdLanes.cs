using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// A SIMD register of floats. With it, an operator is written once and compiled for each register width. Generic code over a struct
/// costs nothing, because the JIT compiles it separately for each struct.
/// </summary>
/// <typeparam name="T">The register type.</typeparam>
internal unsafe interface ISimdLanes<T> : IAdditionOperators<T, T, T>, ISubtractionOperators<T, T, T>, IMultiplyOperators<T, T, T>
    where T : struct, ISimdLanes<T>
{
    /// <summary>The number of floats in a register.</summary>
    static abstract int Count { get; }

    /// <summary>Returns a register with the same value in each lane.</summary>
    static abstract T Of(float value);

    static abstract T Load(float* from);

    void Store(float* to);

    /// <summary>Returns this · factor + addend, rounded once where the processor can.</summary>
    T MultiplyAdd(T factor, T addend);

    /// <summary>
    /// sum += x · w in place, rounded once where the processor can. Inner loops use it because the JIT would copy the register once
    /// more for <c>sum = x.MultiplyAdd(w, sum)</c>.
    /// </summary>
    static abstract void Accumulate(ref T sum, T x, T w);
}

/// <summary>A register of 16 floats.</summary>
internal unsafe struct Lanes16(Vector512<float> value) : ISimdLanes<Lanes16>
{
    private Vector512<float> value = value;

    public static int Count => 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 operator +(Lanes16 left, Lanes16 right) => new(left.value + right.value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 operator -(Lanes16 left, Lanes16 right) => new(left.value - right.value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 operator *(Lanes16 left, Lanes16 right) => new(left.value * right.value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 Of(float value) => new(Vector512.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 Load(float* from) => new(Vector512.Load(from));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Store(float* to) => value.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly Lanes16 MultiplyAdd(Lanes16 factor, Lanes16 addend)
        => new(Vector512.MultiplyAddEstimate(value, factor.value, addend.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Accumulate(ref Lanes16 sum, Lanes16 x, Lanes16 w)
        => sum.value = Vector512.MultiplyAddEstimate(x.value, w.value, sum.value);
}

/// <summary>A register of 8 floats.</summary>
internal unsafe struct Lanes8(Vector256<float> value) : ISimdLanes<Lanes8>
{
    private Vector256<float> value = value;

    public static int Count => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 operator +(Lanes8 left, Lanes8 right) => new(left.value + right.value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 operator -(Lanes8 left, Lanes8 right) => new(left.value - right.value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 operator *(Lanes8 left, Lanes8 right) => new(left.value * right.value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 Of(float value) => new(Vector256.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 Load(float* from) => new(Vector256.Load(from));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Store(float* to) => value.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly Lanes8 MultiplyAdd(Lanes8 factor, Lanes8 addend)
        => new(Vector256.MultiplyAddEstimate(value, factor.value, addend.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Accumulate(ref Lanes8 sum, Lanes8 x, Lanes8 w)
        => sum.value = Vector256.MultiplyAddEstimate(x.value, w.value, sum.value);
}
