using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// A SIMD register of floats, so that an operator is written once and compiled for each width. Generic code over a struct
/// costs nothing: the JIT compiles it for each.
/// </summary>
/// <typeparam name="T">The register itself.</typeparam>
internal unsafe interface ISimdLanes<T> : IAdditionOperators<T, T, T>, ISubtractionOperators<T, T, T>, IMultiplyOperators<T, T, T>
    where T : struct, ISimdLanes<T>
{
    /// <summary>Floats of a register.</summary>
    static abstract int Count { get; }

    /// <summary>The same value in each lane.</summary>
    static abstract T Of(float value);

    static abstract T Load(float* from);

    void Store(float* to);

    /// <summary>this · factor + addend, rounded once where the processor can.</summary>
    T MultiplyAdd(T factor, T addend);
}

/// <summary>16 floats.</summary>
internal readonly unsafe struct Lanes16(Vector512<float> value) : ISimdLanes<Lanes16>
{
    private readonly Vector512<float> value = value;

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
    public void Store(float* to) => value.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Lanes16 MultiplyAdd(Lanes16 factor, Lanes16 addend)
        => new(Vector512.MultiplyAddEstimate(value, factor.value, addend.value));
}

/// <summary>8 floats.</summary>
internal readonly unsafe struct Lanes8(Vector256<float> value) : ISimdLanes<Lanes8>
{
    private readonly Vector256<float> value = value;

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
    public void Store(float* to) => value.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Lanes8 MultiplyAdd(Lanes8 factor, Lanes8 addend)
        => new(Vector256.MultiplyAddEstimate(value, factor.value, addend.value));
}
