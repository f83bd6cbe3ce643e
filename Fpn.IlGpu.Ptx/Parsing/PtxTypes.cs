using System.Runtime.CompilerServices;

namespace Fpn.IlGpu.Ptx;

/// <summary>PTX's types. A register holds 64 bits; an instruction reads as many low bits as its type has.</summary>
internal static class PtxTypes
{
    public static int Bytes(string type) => type switch
    {
        "b8" or "s8" or "u8" => 1,
        "b16" or "s16" or "u16" or "f16" or "bf16" => 2,
        "b32" or "s32" or "u32" or "f32" or "f16x2" or "bf16x2" or "tf32" => 4,
        "b64" or "s64" or "u64" or "f64" => 8,
        _ => throw new PtxException($"the type '{type}' is not interpreted"),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float F32(ulong bits) => BitConverter.UInt32BitsToSingle((uint)bits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Bits(float value) => BitConverter.SingleToUInt32Bits(value);

    public static double F64(ulong bits) => BitConverter.UInt64BitsToDouble(bits);

    public static ulong Bits(double value) => BitConverter.DoubleToUInt64Bits(value);

    public static float F16(ulong bits) => (float)BitConverter.UInt16BitsToHalf((ushort)bits);

    public static ulong HalfBits(float value) => BitConverter.HalfToUInt16Bits((Half)value);

    public static float BF16(ulong bits) => BitConverter.UInt32BitsToSingle((uint)bits << 16);

    /// <summary>bfloat16, rounded to nearest, ties to even.</summary>
    public static ulong BFloatBits(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? 0x7FFFu : (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
    }

    /// <summary>TF32: float's exponent and ten bits of fraction, rounded to nearest, ties away from zero.</summary>
    public static ulong Tf32Bits(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsFinite(value) ? (bits + 0x1000) & 0xFFFFE000 : bits;
    }
}
