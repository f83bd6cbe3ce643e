using System.Numerics;
using System.Runtime.CompilerServices;
using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// SIMD over the contiguous channels of a pixel, for the CPU bodies of intrinsics. The caller keeps
/// [at, at + Vector&lt;float&gt;.Count) inside the view.
/// </summary>
internal static class ChannelRun
{
    /// <summary>The vector at an element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Load(ArrayView<float> view, int at)
        => Unsafe.ReadUnaligned<Vector<float>>(ref Unsafe.As<float, byte>(ref view[at]));

    /// <summary>Stores a vector at an element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector<float> value, ArrayView<float> view, int at)
        => Unsafe.WriteUnaligned(ref Unsafe.As<float, byte>(ref view[at]), value);
}
