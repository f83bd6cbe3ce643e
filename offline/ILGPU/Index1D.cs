// Stand-in for Index1D and LongIndex1D of ILGPU 1.5.3, used where the package feed lacks it.
namespace ILGPU;

/// <summary>A position, or an extent, in 1 dimension.</summary>
internal readonly record struct Index1D(int X) : IIndex
{
    public static Index1D Zero => default;
    public static readonly Index1D One = new(1);

    public int Size => checked(X);

    public long LongSize => (long)X;

    public bool InBounds(Index1D dimension) => (uint)X < (uint)dimension.X;

    public LongIndex1D ToLongIndex() => new(X);

    public static implicit operator LongIndex1D(Index1D index) => index.ToLongIndex();

    public static Index1D operator +(Index1D first, Index1D second) => new(first.X + second.X);

    public static Index1D operator -(Index1D first, Index1D second) => new(first.X - second.X);

    public static Index1D operator *(Index1D first, Index1D second) => new(first.X * second.X);

    public static Index1D operator /(Index1D first, Index1D second) => new(first.X / second.X);

    public static implicit operator int(Index1D index) => index.X;

    public static implicit operator Index1D(int index) => new(index);

    public static explicit operator uint(Index1D index) => (uint)index.X;

    public static Index1D Min(Index1D first, Index1D second) =>
        new(Math.Min(first.X, second.X));

    public static Index1D Max(Index1D first, Index1D second) =>
        new(Math.Max(first.X, second.X));
}

/// <summary>A position, or an extent, in 1 dimension.</summary>
internal readonly record struct LongIndex1D(long X) : IIndex
{
    public static LongIndex1D Zero => default;
    public static readonly LongIndex1D One = new(1);

    public long Size => X;

    public long LongSize => Size;

    public bool InBounds(LongIndex1D dimension) => (ulong)X < (ulong)dimension.X;

    public Index1D ToIntIndex() => checked(new((int)X));

    public static explicit operator Index1D(LongIndex1D index) => index.ToIntIndex();

    public static LongIndex1D operator +(LongIndex1D first, LongIndex1D second) => new(first.X + second.X);

    public static LongIndex1D operator -(LongIndex1D first, LongIndex1D second) => new(first.X - second.X);

    public static LongIndex1D operator *(LongIndex1D first, LongIndex1D second) => new(first.X * second.X);

    public static LongIndex1D operator /(LongIndex1D first, LongIndex1D second) => new(first.X / second.X);

    public static implicit operator long(LongIndex1D index) => index.X;

    public static implicit operator LongIndex1D(long index) => new(index);

    public static explicit operator ulong(LongIndex1D index) => (ulong)index.X;

    public static LongIndex1D Min(LongIndex1D first, LongIndex1D second) =>
        new(Math.Min(first.X, second.X));

    public static LongIndex1D Max(LongIndex1D first, LongIndex1D second) =>
        new(Math.Max(first.X, second.X));
}
