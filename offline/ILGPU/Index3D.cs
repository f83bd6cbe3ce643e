// Stand-in for Index3D and LongIndex3D of ILGPU 1.5.3, used where the package feed lacks it.
namespace ILGPU;

/// <summary>A position, or an extent, in 3 dimensions.</summary>
internal readonly record struct Index3D(int X, int Y, int Z) : IIndex
{
    public static Index3D Zero => default;
    public static readonly Index3D One = new(1, 1, 1);

    public Index3D(int value) : this(value, value, value)
    {
    }

    public int Size => checked(X * Y * Z);

    public long LongSize => (long)X * Y * Z;

    public bool InBounds(Index3D dimension) =>
        (uint)X < (uint)dimension.X && (uint)Y < (uint)dimension.Y && (uint)Z < (uint)dimension.Z;

    public LongIndex3D ToLongIndex() => new(X, Y, Z);

    public static implicit operator LongIndex3D(Index3D index) => index.ToLongIndex();

    public static Index3D operator +(Index3D first, Index3D second) =>
        new(first.X + second.X, first.Y + second.Y, first.Z + second.Z);

    public static Index3D operator -(Index3D first, Index3D second) =>
        new(first.X - second.X, first.Y - second.Y, first.Z - second.Z);

    public static Index3D operator *(Index3D first, Index3D second) =>
        new(first.X * second.X, first.Y * second.Y, first.Z * second.Z);

    public static Index3D operator /(Index3D first, Index3D second) =>
        new(first.X / second.X, first.Y / second.Y, first.Z / second.Z);

    public static implicit operator Index3D((int, int, int) index) =>
        new(index.Item1, index.Item2, index.Item3);

    public static Index3D Min(Index3D first, Index3D second) =>
        new(Math.Min(first.X, second.X), Math.Min(first.Y, second.Y), Math.Min(first.Z, second.Z));

    public static Index3D Max(Index3D first, Index3D second) =>
        new(Math.Max(first.X, second.X), Math.Max(first.Y, second.Y), Math.Max(first.Z, second.Z));
}

/// <summary>A position, or an extent, in 3 dimensions.</summary>
internal readonly record struct LongIndex3D(long X, long Y, long Z) : IIndex
{
    public static LongIndex3D Zero => default;
    public static readonly LongIndex3D One = new(1, 1, 1);

    public LongIndex3D(long value) : this(value, value, value)
    {
    }

    public long Size => X * Y * Z;

    public long LongSize => Size;

    public bool InBounds(LongIndex3D dimension) =>
        (ulong)X < (ulong)dimension.X && (ulong)Y < (ulong)dimension.Y && (ulong)Z < (ulong)dimension.Z;

    public Index3D ToIntIndex() => checked(new((int)X, (int)Y, (int)Z));

    public static explicit operator Index3D(LongIndex3D index) => index.ToIntIndex();

    public static LongIndex3D operator +(LongIndex3D first, LongIndex3D second) =>
        new(first.X + second.X, first.Y + second.Y, first.Z + second.Z);

    public static LongIndex3D operator -(LongIndex3D first, LongIndex3D second) =>
        new(first.X - second.X, first.Y - second.Y, first.Z - second.Z);

    public static LongIndex3D operator *(LongIndex3D first, LongIndex3D second) =>
        new(first.X * second.X, first.Y * second.Y, first.Z * second.Z);

    public static LongIndex3D operator /(LongIndex3D first, LongIndex3D second) =>
        new(first.X / second.X, first.Y / second.Y, first.Z / second.Z);

    public static implicit operator LongIndex3D((long, long, long) index) =>
        new(index.Item1, index.Item2, index.Item3);

    public static LongIndex3D Min(LongIndex3D first, LongIndex3D second) =>
        new(Math.Min(first.X, second.X), Math.Min(first.Y, second.Y), Math.Min(first.Z, second.Z));

    public static LongIndex3D Max(LongIndex3D first, LongIndex3D second) =>
        new(Math.Max(first.X, second.X), Math.Max(first.Y, second.Y), Math.Max(first.Z, second.Z));
}
