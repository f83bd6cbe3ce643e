using static Fpn.IlGpu.Ptx.PtxTypes;

namespace Fpn.IlGpu.Ptx;

/// <summary>
/// <c>cvt</c> (PTX ISA, "Data Movement and Conversion Instructions: cvt"): between integers by truncating and extending, to
/// integers with saturation (NaN gives zero), to narrower floats with rounding.
/// </summary>
internal static class Conversions
{
    public static LaneAction? Decode(PtxStatement s)
    {
        if (s.Parts[0] != "cvt")
            return null;
        var (to, from) = (s.Parts[^2], s.Parts[^1]);
        var how = s.Parts[1..^2];
        var rounding = how.Length > 0 ? how[0] : "";
        if (how.Length > 1)
            throw new PtxException("this conversion is not interpreted");
        return (to, from) switch
        {
            ("tf32", "f32") when rounding == "rna" => EachLane.Compute(s, static a => Tf32Bits(F32(a))),
            // The first source is the upper half.
            ("f16x2", "f32") when rounding == "rn" =>
                EachLane.Compute(s, static (a, b) => (HalfBits(F32(a)) << 16) | HalfBits(F32(b))),
            ("bf16x2", "f32") when rounding == "rn" =>
                EachLane.Compute(s, static (a, b) => (BFloatBits(F32(a)) << 16) | BFloatBits(F32(b))),
            _ when IsFloat(from) && IsFloat(to) => Floats(s, to, from, rounding),
            _ when IsFloat(from) => ToInteger(s, to, from, rounding),
            _ when IsFloat(to) => FromInteger(s, to, from, rounding),
            _ when rounding.Length == 0 => Integers(s, to, from),
            _ => throw new PtxException("this conversion is not interpreted"),
        };
    }

    private static bool IsFloat(string type) => type is "f16" or "bf16" or "f32" or "f64";

    private static LaneAction Floats(PtxStatement s, string to, string from, string rounding)
    {
        var read = Reader(from);
        var write = Writer(to);
        Func<double, double> round = rounding switch
        {
            "rni" => static v => Math.Round(v, MidpointRounding.ToEven),
            "rzi" => Math.Truncate,
            "rmi" => Math.Floor,
            "rpi" => Math.Ceiling,
            // Widening is exact, and narrowing rounds to nearest when the result is written.
            "" or "rn" => static v => v,
            _ => throw new PtxException($"the rounding '{rounding}' is not interpreted"),
        };
        return EachLane.Compute(s, a => write(round(read(a))));
    }

    private static LaneAction ToInteger(PtxStatement s, string to, string from, string rounding)
    {
        var read = Reader(from);
        Func<double, double> round = rounding switch
        {
            "rni" => static v => Math.Round(v, MidpointRounding.ToEven),
            "rzi" => Math.Truncate,
            "rmi" => Math.Floor,
            "rpi" => Math.Ceiling,
            _ => throw new PtxException($"the rounding '{rounding}' is not interpreted"),
        };
        // As PTX does, saturates, and converts NaN to zero.
        Func<double, ulong> convert = to switch
        {
            "s8" => static v => (ulong)Math.Clamp(Number(v), sbyte.MinValue, sbyte.MaxValue),
            "u8" => static v => (ulong)Math.Clamp(Number(v), 0, byte.MaxValue),
            "s16" => static v => (ulong)Math.Clamp(Number(v), short.MinValue, short.MaxValue),
            "u16" => static v => (ulong)Math.Clamp(Number(v), 0, ushort.MaxValue),
            "s32" => static v => (ulong)Math.Clamp(Number(v), int.MinValue, int.MaxValue),
            "u32" => static v => (ulong)Math.Clamp(Number(v), 0, uint.MaxValue),
            "s64" => static v => (ulong)Number(v),
            "u64" => static v => double.IsNaN(v) || v <= 0 ? 0 : v >= ulong.MaxValue ? ulong.MaxValue : (ulong)v,
            _ => throw new PtxException($"'{to}' is not interpreted"),
        };
        return EachLane.Compute(s, a => convert(round(read(a))));
    }

    private static long Number(double v)
        => double.IsNaN(v) ? 0 : v >= long.MaxValue ? long.MaxValue : v <= long.MinValue ? long.MinValue : (long)v;

    private static LaneAction FromInteger(PtxStatement s, string to, string from, string rounding)
    {
        if (rounding != "rn")
            throw new PtxException($"the rounding '{rounding}' is not interpreted");
        var extend = Extender(from);
        var unsigned = from == "u64";
        return to switch
        {
            // Not via double, which would round twice.
            "f32" => EachLane.Compute(s, a => Bits(unsigned ? (float)a : (float)(long)extend(a))),
            "f64" => EachLane.Compute(s, a => Bits(unsigned ? (double)a : (long)extend(a))),
            _ => throw new PtxException($"'{to}' is not interpreted"),
        };
    }

    private static LaneAction Integers(PtxStatement s, string to, string from)
    {
        var (extend, cut) = (Extender(from), Extender(to));
        return EachLane.Compute(s, a => cut(extend(a)));
    }

    private static Func<ulong, ulong> Extender(string type) => type switch
    {
        "s8" => static a => (ulong)(sbyte)a,
        "u8" => static a => (byte)a,
        "s16" => static a => (ulong)(short)a,
        "u16" => static a => (ushort)a,
        "s32" => static a => (ulong)(int)a,
        "u32" => static a => (uint)a,
        "s64" or "u64" => static a => a,
        _ => throw new PtxException($"'{type}' is not interpreted"),
    };

    private static Func<ulong, double> Reader(string type) => type switch
    {
        "f16" => static a => F16(a),
        "bf16" => static a => BF16(a),
        "f32" => static a => F32(a),
        _ => F64,
    };

    private static Func<double, ulong> Writer(string type) => type switch
    {
        "f16" => static v => BitConverter.HalfToUInt16Bits((Half)v),
        "bf16" => static v => BFloatBits((float)v),
        "f32" => static v => Bits((float)v),
        _ => Bits,
    };
}
