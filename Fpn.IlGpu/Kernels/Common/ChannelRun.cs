using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// SIMD over the contiguous channels of a pixel, for the CPU bodies of intrinsics. The caller makes sure that
/// [at, at + Vector&lt;float&gt;.Count) is inside the view.
/// </summary>
internal static class ChannelRun
{
    /// <summary>Loads the vector that begins at an element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Load(ArrayView<float> view, int at)
        => Unsafe.ReadUnaligned<Vector<float>>(ref Unsafe.As<float, byte>(ref view[at]));

    /// <summary>Stores a vector that begins at an element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector<float> value, ArrayView<float> view, int at)
        => Unsafe.WriteUnaligned(ref Unsafe.As<float, byte>(ref view[at]), value);

    /// <summary>Returns consecutive elements, all inside the view, as a span.</summary>
    public static Span<float> Span(ArrayView<float> view, int from, int count)
        => count > 0 ? MemoryMarshal.CreateSpan(ref view.SubView(from, count)[0], count) : default;

    /// <summary>Returns the part of a span that fills whole vectors; the caller computes the rest.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Span<Vector<float>> Vectors(Span<float> values) => MemoryMarshal.Cast<float, Vector<float>>(values);
}
