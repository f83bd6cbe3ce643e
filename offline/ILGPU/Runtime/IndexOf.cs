// Stand-in for the index arithmetic of implicitly grouped kernels of ILGPU 1.5.3, used where the package feed lacks it.
using System.Runtime.CompilerServices;

namespace ILGPU.Runtime;

/// <summary>The position with a given number within an extent; X changes fastest.</summary>
internal static class IndexOf<TIndex> where TIndex : struct, IIndex
{
    // The type tests are resolved when the method is compiled for TIndex; nothing of them is left at run time.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TIndex At(long i, TIndex extent)
    {
        if (typeof(TIndex) == typeof(Index1D))
            return As(new Index1D((int)i));
        if (typeof(TIndex) == typeof(LongIndex1D))
            return As(new LongIndex1D(i));
        if (typeof(TIndex) == typeof(Index2D))
        {
            var size = Unsafe.As<TIndex, Index2D>(ref extent);
            return As(new Index2D((int)(i % size.X), (int)(i / size.X)));
        }

        if (typeof(TIndex) == typeof(Index3D))
        {
            var size = Unsafe.As<TIndex, Index3D>(ref extent);
            return As(new Index3D((int)(i % size.X), (int)(i / size.X % size.Y), (int)(i / size.X / size.Y)));
        }

        if (typeof(TIndex) == typeof(LongIndex2D))
        {
            var size = Unsafe.As<TIndex, LongIndex2D>(ref extent);
            return As(new LongIndex2D(i % size.X, i / size.X));
        }

        if (typeof(TIndex) == typeof(LongIndex3D))
        {
            var size = Unsafe.As<TIndex, LongIndex3D>(ref extent);
            return As(new LongIndex3D(i % size.X, i / size.X % size.Y, i / size.X / size.Y));
        }

        throw new NotSupportedException($"Kernels cannot be indexed by {typeof(TIndex).Name}.");
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TIndex As<TOther>(TOther index) where TOther : struct => Unsafe.As<TOther, TIndex>(ref index);
}
