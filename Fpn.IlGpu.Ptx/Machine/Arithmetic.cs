using System.Numerics;
using static Fpn.IlGpu.Ptx.PtxTypes;

namespace Fpn.IlGpu.Ptx;

/// <summary>
/// Arithmetic, logic and shifts (PTX ISA, "Integer Arithmetic", "Floating Point", "Logic and Shift Instructions").
/// Approximations of a GPU (<c>.approx</c>) are computed exactly; <c>.ftz</c> is not modelled, and is rejected.
/// </summary>
internal static class Arithmetic
{
    public static LaneAction? Decode(PtxStatement s)
    {
        var type = s.Parts[^1];
        // The qualifiers between the name and the type, without the default roundings.
        var how = string.Join('.', s.Parts[1..^1].Where(p => p is not ("rn" or "approx")));
        var name = how.Length > 0 ? $"{s.Parts[0]}.{how}" : s.Parts[0];
        if (Unary(name, type) is { } unary)
            return EachLane.Compute(s, unary);
        if (Binary(name, type) is { } binary)
            return EachLane.Compute(s, binary, EightLanes.Binary(name, type));
        if (Ternary(name, type) is { } ternary)
            return EachLane.Compute(s, ternary, EightLanes.Ternary(name, type));
        return name == "bfi" ? EachLane.Compute(s, BitFieldInsert(Bytes(type) * 8)) : null;
    }

    private static Func<ulong, ulong>? Unary(string name, string type) => (name, type) switch
    {
        ("neg", "f32") => static a => a ^ 0x80000000,
        ("neg", "f64") => static a => a ^ 0x8000000000000000,
        ("neg", "s16" or "s32" or "s64") => static a => 0 - a,
        ("abs", "f32") => static a => a & 0x7FFFFFFF,
        ("abs", "f64") => static a => a & 0x7FFFFFFFFFFFFFFF,
        ("abs", "s32") => static a => (int)a < 0 ? 0 - a : a,
        ("abs", "s64") => static a => (long)a < 0 ? 0 - a : a,
        ("not", "pred") => static a => a ^ 1,
        ("not", "b16" or "b32" or "b64") => static a => ~a,
        ("cnot", "b32") => static a => (uint)a == 0 ? 1u : 0,
        ("popc", "b32") => static a => (ulong)BitOperations.PopCount((uint)a),
        ("popc", "b64") => static a => (ulong)BitOperations.PopCount(a),
        ("clz", "b32") => static a => (ulong)BitOperations.LeadingZeroCount((uint)a),
        ("clz", "b64") => static a => (ulong)BitOperations.LeadingZeroCount(a),
        ("brev", "b32") => ReverseBits,
        ("rcp", "f32") => static a => Bits(1 / F32(a)),
        ("rcp", "f64") => static a => Bits(1 / F64(a)),
        ("sqrt", "f32") => static a => Bits(MathF.Sqrt(F32(a))),
        ("sqrt", "f64") => static a => Bits(Math.Sqrt(F64(a))),
        ("rsqrt", "f32") => static a => Bits((float)(1 / Math.Sqrt(F32(a)))),
        ("rsqrt", "f64") => static a => Bits(1 / Math.Sqrt(F64(a))),
        ("ex2", "f32") => static a => Bits((float)Math.Pow(2, F32(a))),
        ("lg2", "f32") => static a => Bits((float)Math.Log2(F32(a))),
        ("sin", "f32") => static a => Bits((float)Math.Sin(F32(a))),
        ("cos", "f32") => static a => Bits((float)Math.Cos(F32(a))),
        ("tanh", "f32") => static a => Bits((float)Math.Tanh(F32(a))),
        _ => null,
    };

    private static ulong ReverseBits(ulong a)
    {
        var reversed = 0u;
        for (var i = 0; i < 32; i++)
            reversed |= (uint)(a >> i & 1) << (31 - i);
        return reversed;
    }

    private static Func<ulong, ulong, ulong>? Binary(string name, string type) => (name, type) switch
    {
        ("add", "f32") => static (a, b) => Bits(F32(a) + F32(b)),
        ("sub", "f32") => static (a, b) => Bits(F32(a) - F32(b)),
        ("mul", "f32") => static (a, b) => Bits(F32(a) * F32(b)),
        ("div" or "div.full", "f32") => static (a, b) => Bits(F32(a) / F32(b)),
        ("min", "f32") => static (a, b) => Bits(float.MinNumber(F32(a), F32(b))),
        ("max", "f32") => static (a, b) => Bits(float.MaxNumber(F32(a), F32(b))),
        ("min.NaN", "f32") => static (a, b) => Bits(MathF.Min(F32(a), F32(b))),
        ("max.NaN", "f32") => static (a, b) => Bits(MathF.Max(F32(a), F32(b))),
        ("copysign", "f32") => static (a, b) => (b & 0x7FFFFFFF) | (a & 0x80000000),
        ("add", "f64") => static (a, b) => Bits(F64(a) + F64(b)),
        ("sub", "f64") => static (a, b) => Bits(F64(a) - F64(b)),
        ("mul", "f64") => static (a, b) => Bits(F64(a) * F64(b)),
        ("div", "f64") => static (a, b) => Bits(F64(a) / F64(b)),
        ("min", "f64") => static (a, b) => Bits(double.MinNumber(F64(a), F64(b))),
        ("max", "f64") => static (a, b) => Bits(double.MaxNumber(F64(a), F64(b))),
        ("add", "s16" or "u16" or "s32" or "u32" or "s64" or "u64") => static (a, b) => a + b,
        ("sub", "s16" or "u16" or "s32" or "u32" or "s64" or "u64") => static (a, b) => a - b,
        ("mul.lo", "s16" or "u16" or "s32" or "u32" or "s64" or "u64") => static (a, b) => a * b,
        ("mul.hi", "s32") => static (a, b) => (ulong)((long)(int)a * (int)b >> 32),
        ("mul.hi", "u32") => static (a, b) => (ulong)(uint)a * (uint)b >> 32,
        ("mul.hi", "s64") => static (a, b) => (ulong)Math.BigMul((long)a, (long)b, out _),
        ("mul.hi", "u64") => static (a, b) => Math.BigMul(a, b, out _),
        ("mul.wide", "s16") => static (a, b) => (ulong)((short)a * (short)b),
        ("mul.wide", "u16") => static (a, b) => (ulong)(ushort)a * (ushort)b,
        ("mul.wide", "s32") => static (a, b) => (ulong)((long)(int)a * (int)b),
        ("mul.wide", "u32") => static (a, b) => (ulong)(uint)a * (uint)b,
        ("div", "s32") => static (a, b) => (ulong)((long)(int)a / NotZero((int)b)),
        ("div", "u32") => static (a, b) => (uint)a / (uint)NotZero((uint)b),
        ("div", "s64") => static (a, b) => (ulong)((long)a / NotZero((long)b)),
        ("div", "u64") => static (a, b) => a / (ulong)NotZero((long)b),
        ("rem", "s32") => static (a, b) => (ulong)((long)(int)a % NotZero((int)b)),
        ("rem", "u32") => static (a, b) => (uint)a % (uint)NotZero((uint)b),
        ("rem", "s64") => static (a, b) => (ulong)((long)a % NotZero((long)b)),
        ("rem", "u64") => static (a, b) => a % (ulong)NotZero((long)b),
        ("min", "s32") => static (a, b) => (ulong)Math.Min((int)a, (int)b),
        ("max", "s32") => static (a, b) => (ulong)Math.Max((int)a, (int)b),
        ("min", "u32") => static (a, b) => Math.Min((uint)a, (uint)b),
        ("max", "u32") => static (a, b) => Math.Max((uint)a, (uint)b),
        ("min", "s64") => static (a, b) => (ulong)Math.Min((long)a, (long)b),
        ("max", "s64") => static (a, b) => (ulong)Math.Max((long)a, (long)b),
        ("min", "u64") => Math.Min,
        ("max", "u64") => Math.Max,
        ("and", "b16" or "b32" or "b64" or "pred") => static (a, b) => a & b,
        ("or", "b16" or "b32" or "b64" or "pred") => static (a, b) => a | b,
        ("xor", "b16" or "b32" or "b64" or "pred") => static (a, b) => a ^ b,
        // Shifts by more than the width give zero, or the sign.
        ("shl", "b16" or "b32" or "b64") => static (a, b) => (uint)b > 63 ? 0 : a << (int)b,
        ("shr", "u16" or "b16") => static (a, b) => (uint)b > 15 ? 0 : (ulong)(ushort)a >> (int)b,
        ("shr", "u32" or "b32") => static (a, b) => (uint)b > 31 ? 0 : (uint)a >> (int)b,
        ("shr", "u64" or "b64") => static (a, b) => (uint)b > 63 ? 0 : a >> (int)b,
        ("shr", "s16") => static (a, b) => (ulong)((short)a >> (int)Math.Min((uint)b, 15)),
        ("shr", "s32") => static (a, b) => (ulong)((int)a >> (int)Math.Min((uint)b, 31)),
        ("shr", "s64") => static (a, b) => (ulong)((long)a >> (int)Math.Min((uint)b, 63)),
        _ => null,
    };

    private static Func<ulong, ulong, ulong, ulong>? Ternary(string name, string type) => (name, type) switch
    {
        ("fma" or "mad", "f32") => static (a, b, c) => Bits(MathF.FusedMultiplyAdd(F32(a), F32(b), F32(c))),
        ("fma" or "mad", "f64") => static (a, b, c) => Bits(Math.FusedMultiplyAdd(F64(a), F64(b), F64(c))),
        ("mad.lo", "s16" or "u16" or "s32" or "u32" or "s64" or "u64") => static (a, b, c) => (a * b) + c,
        ("mad.wide", "s32") => static (a, b, c) => (ulong)((long)(int)a * (int)b) + c,
        ("mad.wide", "u32") => static (a, b, c) => ((ulong)(uint)a * (uint)b) + c,
        ("mad.hi", "u32") => static (a, b, c) => ((ulong)(uint)a * (uint)b >> 32) + c,
        ("bfe", "u32") => static (a, b, c) => Field((uint)a, 32, (byte)b, (byte)c, signed: false),
        ("bfe", "u64") => static (a, b, c) => Field(a, 64, (byte)b, (byte)c, signed: false),
        ("bfe", "s32") => static (a, b, c) => Field((uint)a, 32, (byte)b, (byte)c, signed: true),
        ("bfe", "s64") => static (a, b, c) => Field(a, 64, (byte)b, (byte)c, signed: true),
        ("prmt", "b32") => PermuteBytes,
        ("shf.l.wrap", "b32") => static (a, b, c) => (uint)((((b << 32) | (uint)a) << (int)(c & 31)) >> 32),
        ("shf.r.wrap", "b32") => static (a, b, c) => (uint)(((b << 32) | (uint)a) >> (int)(c & 31)),
        _ => null,
    };

    private static ulong Field(ulong a, int width, int position, int length, bool signed)
    {
        var field = 0UL;
        var signAt = Math.Min(position + length - 1, width - 1);
        var sign = signed && length > 0 && (a >> signAt & 1) == 1;
        for (var i = 0; i < width; i++)
            field |= (i < length && position + i < width ? a >> (position + i) & 1 : sign ? 1UL : 0) << i;
        return field;
    }

    /// <summary>
    /// <c>bfi d, a, b, position, length</c>: d = b, with <c>length</c> bits from <c>position</c> on replaced by the low
    /// bits of a.
    /// </summary>
    private static Func<ulong, ulong, ulong, ulong, ulong> BitFieldInsert(int width) => (a, b, position, length)
    =>
    {
        for (int i = 0, p = (byte)position; i < (byte)length && p < width; i++, p++)
            b = (b & ~(1UL << p)) | ((a >> i & 1) << p);
        return b;
    };

    /// <summary>Each of the four 4-bit selectors picks a byte of b:a or, if its high bit is set, that byte's sign eight times.</summary>
    private static ulong PermuteBytes(ulong a, ulong b, ulong selectors)
    {
        var bytes = (b << 32) | (uint)a;
        var result = 0UL;
        for (var i = 0; i < 4; i++)
        {
            var selector = (int)(selectors >> (4 * i) & 15);
            var picked = bytes >> (8 * (selector & 7)) & 0xFF;
            if (selector > 7)
                picked = picked > 127 ? 0xFFu : 0;
            result |= picked << (8 * i);
        }
        return result;
    }

    private static long NotZero(long divisor) => divisor != 0 ? divisor : throw new PtxException("Division by zero.");
}
