using System.Runtime.Intrinsics;
using Wide = System.Runtime.Intrinsics.Vector512<ulong>;

namespace Fpn.IlGpu.Ptx;

/// <summary>
/// The most frequent instructions, for eight lanes at once: the results are those of <see cref="Arithmetic"/> and
/// <see cref="Comparisons"/>, many times as fast. Null if an instruction has no such form.
/// </summary>
internal static class EightLanes
{
    private static readonly Wide Low = Vector512.Create<ulong>(uint.MaxValue);

    public static Func<Wide, Wide, Wide>? Binary(string name, string type) => (name, type) switch
    {
        ("add", "f32") => static (a, b) => Low & (a.AsSingle() + b.AsSingle()).AsUInt64(),
        ("sub", "f32") => static (a, b) => Low & (a.AsSingle() - b.AsSingle()).AsUInt64(),
        ("mul", "f32") => static (a, b) => Low & (a.AsSingle() * b.AsSingle()).AsUInt64(),
        ("add", "s32" or "u32" or "s64" or "u64") => static (a, b) => a + b,
        ("sub", "s32" or "u32" or "s64" or "u64") => static (a, b) => a - b,
        ("mul.lo", "s32" or "u32" or "s64" or "u64") => static (a, b) => a * b,
        ("mul.wide", "s32") => static (a, b) => (Signed(a) * Signed(b)).AsUInt64(),
        ("mul.wide", "u32") => static (a, b) => (a & Low) * (b & Low),
        ("div", "s32") => static (a, b) => Quotient(a, b).AsUInt64(),
        ("rem", "s32") => static (a, b) => (Signed(a) - (Quotient(a, b) * Signed(b))).AsUInt64(),
        ("min", "s32") => static (a, b) => Vector512.Min(a.AsInt32(), b.AsInt32()).AsUInt64(),
        ("max", "s32") => static (a, b) => Vector512.Max(a.AsInt32(), b.AsInt32()).AsUInt64(),
        ("and", "b32" or "b64" or "pred") => static (a, b) => a & b,
        ("or", "b32" or "b64" or "pred") => static (a, b) => a | b,
        ("xor", "b32" or "b64" or "pred") => static (a, b) => a ^ b,
        _ => null,
    };

    public static Func<Wide, Wide, Wide, Wide>? Ternary(string name, string type) => (name, type) switch
    {
        ("fma" or "mad", "f32") => static (a, b, c)
            => Low & Vector512.FusedMultiplyAdd(a.AsSingle(), b.AsSingle(), c.AsSingle()).AsUInt64(),
        ("mad.lo", "s32" or "u32" or "s64" or "u64") => static (a, b, c) => (a * b) + c,
        ("mad.wide", "s32") => static (a, b, c) => (Signed(a) * Signed(b)).AsUInt64() + c,
        ("mad.wide", "u32") => static (a, b, c) => ((a & Low) * (b & Low)) + c,
        _ => null,
    };

    /// <summary>1 where a comparison is true, otherwise 0.</summary>
    public static Func<Wide, Wide, Wide>? Compare(string kind, string type) => type switch
    {
        "s32" => Compare<int>(kind),
        "u32" or "b32" => Compare<uint>(kind),
        "s64" => Compare<long>(kind),
        "u64" or "b64" => Compare<ulong>(kind),
        // A vector's inequality is true for NaN, but PTX's ne is false.
        "f32" when kind != "ne" => Compare<float>(kind),
        _ => null,
    };

    // The result's low half holds the answer, whatever the width of the operands.
    private static Func<Wide, Wide, Wide>? Compare<T>(string kind) => kind switch
    {
        "eq" => static (a, b) => Wide.One & Vector512.Equals(a.As<ulong, T>(), b.As<ulong, T>()).As<T, ulong>(),
        "ne" => static (a, b) => Vector512.AndNot(Wide.One, Vector512.Equals(a.As<ulong, T>(), b.As<ulong, T>()).As<T, ulong>()),
        "lt" or "lo" => static (a, b) => Wide.One & Vector512.LessThan(a.As<ulong, T>(), b.As<ulong, T>()).As<T, ulong>(),
        "le" or "ls" => static (a, b) => Wide.One & Vector512.LessThanOrEqual(a.As<ulong, T>(), b.As<ulong, T>()).As<T, ulong>(),
        "gt" or "hi" => static (a, b) => Wide.One & Vector512.GreaterThan(a.As<ulong, T>(), b.As<ulong, T>()).As<T, ulong>(),
        "ge" or "hs" => static (a, b) => Wide.One & Vector512.GreaterThanOrEqual(a.As<ulong, T>(), b.As<ulong, T>()).As<T, ulong>(),
        _ => null,
    };

    private static Vector512<long> Signed(Wide a) => (a << 32).AsInt64() >> 32;

    // A double holds each int exactly, and rounding the quotient of two ints never moves it across a whole number.
    private static Vector512<long> Quotient(Wide a, Wide b)
    {
        if (Vector512.EqualsAny(b & Low, Wide.Zero))
            throw new PtxException("Division by zero.");
        return Vector512.ConvertToInt64(Vector512.ConvertToDouble(Signed(a)) / Vector512.ConvertToDouble(Signed(b)));
    }
}
