using System.Numerics;
using static Fpn.IlGpu.Ptx.PtxTypes;

namespace Fpn.IlGpu.Ptx;

/// <summary>
/// <c>setp</c> (also with a second destination, or with a predicate to combine with), <c>selp</c> and <c>testp</c> (PTX
/// ISA, "Comparison and Selection Instructions").
/// </summary>
internal static class Comparisons
{
    public static LaneAction? Decode(PtxStatement s) => s.Parts[0] switch
    {
        "setp" => SetPredicate(s),
        "selp" when s.Parts.Length == 2 => EachLane.Compute(s, static (a, b, p) => p != 0 ? a : b),
        "testp" => s.Text switch
        {
            "testp.notanumber.f32" => EachLane.Compute(s, static a => float.IsNaN(F32(a)) ? 1u : 0),
            "testp.infinite.f32" => EachLane.Compute(s, static a => float.IsInfinity(F32(a)) ? 1u : 0),
            "testp.finite.f32" => EachLane.Compute(s, static a => float.IsFinite(F32(a)) ? 1u : 0),
            _ => null,
        },
        _ => null,
    };

    private static LaneAction SetPredicate(PtxStatement s)
    {
        var compare = Compare(s.Parts[1], s.Parts[^1]);
        var combine = s.Parts.Length == 4 ? s.Parts[2] : "";
        EachLane.Require(s, combine.Length > 0 ? 4 : 3);
        var (p, a, b) = (EachLane.First(s, 0), EachLane.First(s, 1), EachLane.First(s, 2));
        var q = s.Operands[0].Second is { } second ? EachLane.First(second) : -1;
        if (q < 0 && combine.Length == 0)
            return EachLane.Compute(s, (x, y) => compare(x, y) ? 1u : 0, EightLanes.Compare(s.Parts[1], s.Parts[^1]));
        var c = combine.Length > 0 ? EachLane.First(s, 3) : -1;
        Func<bool, bool, bool> with = combine switch
        {
            "" => static (x, _) => x,
            "and" => static (x, y) => x && y,
            "or" => static (x, y) => x || y,
            "xor" => static (x, y) => x ^ y,
            _ => throw new PtxException($"'{combine}' is not interpreted"),
        };
        return (warp, lanes) =>
        {
            var r = warp.Registers;
            for (; lanes != 0; lanes &= lanes - 1)
            {
                var l = BitOperations.TrailingZeroCount(lanes);
                var truth = compare(r[a + l], r[b + l]);
                var other = c >= 0 && r[c + l] != 0;
                r[p + l] = with(truth, other) ? 1u : 0;
                if (q >= 0)
                    r[q + l] = with(!truth, other) ? 1u : 0;
            }
        };
    }

    private static Func<ulong, ulong, bool> Compare(string kind, string type)
    {
        switch (type)
        {
            case "f32":
                return Floats(kind, static a => F32(a));
            case "f64":
                return Floats(kind, F64);
            case "f16":
                return Floats(kind, static a => F16(a));
            case "s16":
                return Integers(kind, static a => (short)a);
            case "s32":
                return Signed(kind);
            case "s64":
                return Integers(kind, static a => (long)a);
            case "u16" or "b16":
                return Integers(kind, static a => (ushort)a);
            case "u32" or "b32":
                return Integers(kind, static a => (uint)a);
            case "u64" or "b64":
                return Integers(kind, static a => unchecked((long)(a ^ 0x8000000000000000)));
            default:
                throw new PtxException($"a comparison of '{type}' is not interpreted");
        }
    }

    // A faster form of the comparisons that kernels use most.
    private static Func<ulong, ulong, bool> Signed(string kind) => kind switch
    {
        "lt" => static (a, b) => (int)a < (int)b,
        "ge" => static (a, b) => (int)a >= (int)b,
        _ => Integers(kind, static a => (int)a),
    };

    private static Func<ulong, ulong, bool> Integers(string kind, Func<ulong, long> of) => kind switch
    {
        "eq" => (a, b) => of(a) == of(b),
        "ne" => (a, b) => of(a) != of(b),
        "lt" or "lo" => (a, b) => of(a) < of(b),
        "le" or "ls" => (a, b) => of(a) <= of(b),
        "gt" or "hi" => (a, b) => of(a) > of(b),
        "ge" or "hs" => (a, b) => of(a) >= of(b),
        _ => throw new PtxException($"'{kind}' is not a comparison"),
    };

    /// <summary>If an operand is NaN, plain comparisons are false, and those that end with u are true.</summary>
    private static Func<ulong, ulong, bool> Floats(string kind, Func<ulong, double> of) => kind switch
    {
        "eq" => (a, b) => of(a) == of(b),
        "ne" => (a, b) => of(a) < of(b) || of(a) > of(b),
        "lt" => (a, b) => of(a) < of(b),
        "le" => (a, b) => of(a) <= of(b),
        "gt" => (a, b) => of(a) > of(b),
        "ge" => (a, b) => of(a) >= of(b),
        "equ" => (a, b) => !(of(a) < of(b) || of(a) > of(b)),
        "neu" => (a, b) => of(a) != of(b),
        "ltu" => (a, b) => !(of(a) >= of(b)),
        "leu" => (a, b) => !(of(a) > of(b)),
        "gtu" => (a, b) => !(of(a) <= of(b)),
        "geu" => (a, b) => !(of(a) < of(b)),
        "num" => (a, b) => !double.IsNaN(of(a)) && !double.IsNaN(of(b)),
        "nan" => (a, b) => double.IsNaN(of(a)) || double.IsNaN(of(b)),
        _ => throw new PtxException($"'{kind}' is not a comparison of floats"),
    };
}
