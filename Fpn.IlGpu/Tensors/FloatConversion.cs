using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Fpn.IlGpu.Tensors;

/// <summary>
/// Converts little-endian elements of any data type to float, and float to the types in which weights are written. Sources need
/// no alignment: older safetensors writers don't align data.
/// </summary>
internal static class FloatConversion
{
    /// <summary>Converts <c>values.Length</c> elements.</summary>
    /// <param name="bytes">As many elements as <paramref name="values"/> has, in this encoding.</param>
    /// <param name="type">The encoding.</param>
    /// <param name="values">The elements as float; values too large for float become infinite.</param>
    public static void ToFloat(ReadOnlySpan<byte> bytes, DataType type, Span<float> values)
    {
        if (bytes.Length != (long)values.Length * type.Bytes())
            throw new ArgumentException($"{bytes.Length} bytes don't hold {values.Length} elements of {type}.", nameof(bytes));
        switch (type)
        {
            case DataType.F32:
                bytes.CopyTo(MemoryMarshal.AsBytes(values));
                break;
            case DataType.F16:
                FromF16(MemoryMarshal.Cast<byte, ushort>(bytes), values);
                break;
            case DataType.BF16:
                FromBF16(MemoryMarshal.Cast<byte, ushort>(bytes), values);
                break;
            case DataType.F64:
                FromNumbers<double>(bytes, values);
                break;
            case DataType.I64:
                FromNumbers<long>(bytes, values);
                break;
            case DataType.I32:
                FromNumbers<int>(bytes, values);
                break;
            case DataType.I16:
                FromNumbers<short>(bytes, values);
                break;
            case DataType.I8:
                FromNumbers<sbyte>(bytes, values);
                break;
            case DataType.U64:
                FromNumbers<ulong>(bytes, values);
                break;
            case DataType.U32:
                FromNumbers<uint>(bytes, values);
                break;
            case DataType.U16:
                FromNumbers<ushort>(bytes, values);
                break;
            case DataType.U8:
                FromNumbers<byte>(bytes, values);
                break;
            case DataType.Bool:
                for (var i = 0; i < values.Length; i++)
                    values[i] = bytes[i] == 0 ? 0 : 1;
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type), type, "Not a data type.");
        }
    }

    /// <summary>Converts to <paramref name="type"/>, which must be F32, F16 or BF16. Rounds to nearest, ties to even.</summary>
    public static void FromFloat(ReadOnlySpan<float> values, DataType type, Span<byte> bytes)
    {
        if (bytes.Length != (long)values.Length * type.Bytes())
            throw new ArgumentException($"{bytes.Length} bytes don't hold {values.Length} elements of {type}.", nameof(bytes));
        switch (type)
        {
            case DataType.F32:
                MemoryMarshal.AsBytes(values).CopyTo(bytes);
                break;
            case DataType.F16:
                var halves = MemoryMarshal.Cast<byte, Half>(bytes);
                for (var i = 0; i < values.Length; i++)
                    halves[i] = (Half)values[i];
                break;
            case DataType.BF16:
                var uppers = MemoryMarshal.Cast<byte, ushort>(bytes);
                for (var i = 0; i < values.Length; i++)
                    uppers[i] = ToBF16(values[i]);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type), type, "Weights are written as F32, F16 or BF16.");
        }
    }

    /// <summary>The index of the first NaN or infinity, or -1.</summary>
    public static int IndexOfNonFinite(ReadOnlySpan<float> values)
    {
        const uint exponent = 0x7F80_0000;
        var bits = MemoryMarshal.Cast<float, uint>(values);
        ref var first = ref MemoryMarshal.GetReference(bits);
        var mask = Vector256.Create(exponent);
        var i = 0;
        for (; i <= bits.Length - Vector256<uint>.Count; i += Vector256<uint>.Count)
        {
            if (Vector256.EqualsAny(Vector256.LoadUnsafe(ref first, (nuint)i) & mask, mask))
                break;
        }

        for (; i < bits.Length; i++)
        {
            if ((bits[i] & exponent) == exponent)
                return i;
        }

        return -1;
    }

    private static void FromF16(ReadOnlySpan<ushort> halves, Span<float> values)
    {
        ref var source = ref MemoryMarshal.GetReference(halves);
        ref var target = ref MemoryMarshal.GetReference(values);
        var i = 0;
        for (; i <= halves.Length - Vector256<ushort>.Count; i += Vector256<ushort>.Count)
        {
            (var low, var high) = Vector256.Widen(Vector256.LoadUnsafe(ref source, (nuint)i));
            FromF16(low).StoreUnsafe(ref target, (nuint)i);
            FromF16(high).StoreUnsafe(ref target, (nuint)(i + Vector256<uint>.Count));
        }
        for (; i < halves.Length; i++)
            values[i] = (float)BitConverter.UInt16BitsToHalf(halves[i]);
    }

    /// <summary>
    /// A half's exponent and fraction, shifted to a float's position, read as a float that is 2^112 times too small (the biases
    /// are 15 and 127). The product corrects that, also for subnormals. Only infinity and NaN need their exponent set
    /// explicitly.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> FromF16(Vector256<uint> half)
    {
        var sign = (half & Vector256.Create(0x8000u)) << 16;
        var scaled = (((half & Vector256.Create(0x7FFFu)) << 13).AsSingle()
            * Vector256.Create(5.192296858534828e33f)).AsUInt32();
        var exponent = Vector256.Create(0x7C00u);
        var special = Vector256.Equals(half & exponent, exponent) & Vector256.Create(0x7F80_0000u);
        return (sign | scaled | special).AsSingle();
    }

    private static void FromBF16(ReadOnlySpan<ushort> uppers, Span<float> values)
    {
        ref var source = ref MemoryMarshal.GetReference(uppers);
        ref var target = ref MemoryMarshal.GetReference(values);
        var i = 0;
        for (; i <= uppers.Length - Vector256<ushort>.Count; i += Vector256<ushort>.Count)
        {
            (var low, var high) = Vector256.Widen(Vector256.LoadUnsafe(ref source, (nuint)i));
            (low << 16).AsSingle().StoreUnsafe(ref target, (nuint)i);
            (high << 16).AsSingle().StoreUnsafe(ref target, (nuint)(i + Vector256<uint>.Count));
        }
        for (; i < uppers.Length; i++)
            values[i] = BitConverter.UInt32BitsToSingle((uint)uppers[i] << 16);
    }

    private static ushort ToBF16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        // A NaN whose payload is in the lower half must not become infinite.
        if (float.IsNaN(value))
            return (ushort)((bits >> 16) | 0x40);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    private static void FromNumbers<T>(ReadOnlySpan<byte> bytes, Span<float> values)
        where T : unmanaged, System.Numerics.INumberBase<T>
    {
        var numbers = MemoryMarshal.Cast<byte, T>(bytes);
        for (var i = 0; i < values.Length; i++)
            values[i] = float.CreateTruncating(numbers[i]);
    }
}
