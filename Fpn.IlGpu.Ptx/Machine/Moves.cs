using System.Numerics;

namespace Fpn.IlGpu.Ptx;

/// <summary>
/// <c>mov</c>, which also packs registers into one and unpacks them, and <c>cvta</c>, which converts addresses between
/// spaces.
/// </summary>
internal static class Moves
{
    public static LaneAction? Decode(PtxStatement s) => s.Parts[0] switch
    {
        "mov" when s.Operands.Any(o => o.Kind == PtxOperandKind.List) => PackOrUnpack(s),
        "mov" when s.Parts.Length == 2 => EachLane.Copy(s),
        "cvta" => Cvta(s),
        _ => null,
    };

    private static LaneAction PackOrUnpack(PtxStatement s)
    {
        EachLane.Require(s, 2);
        var (to, from) = (EachLane.Registers(s.Operands[0]), EachLane.Registers(s.Operands[1]));
        var width = PtxTypes.Bytes(s.Parts[^1]) * 8;
        var part = width / Math.Max(to.Length, from.Length);
        var partMask = (1UL << part) - 1;
        return (warp, lanes) =>
        {
            var r = warp.Registers;
            for (; lanes != 0; lanes &= lanes - 1)
            {
                var l = BitOperations.TrailingZeroCount(lanes);
                var whole = 0UL;
                for (var i = 0; i < from.Length; i++)
                    whole |= from.Length == 1 ? r[from[0] + l] : (r[from[i] + l] & partMask) << (i * part);
                for (var i = 0; i < to.Length; i++)
                    r[to[i] + l] = to.Length == 1 ? whole : whole >> (i * part) & partMask;
            }
        };
    }

    private static LaneAction Cvta(PtxStatement s)
    {
        var toSpace = s.Parts[1] == "to";
        var window = s.Parts[toSpace ? 2 : 1] switch
        {
            "global" => 0UL,
            "shared" => GlobalMemory.SharedWindow,
            "local" => GlobalMemory.LocalWindow,
            var other => throw new PtxException($"the space '{other}' is not interpreted"),
        };
        return toSpace ? EachLane.Compute(s, a => a - window) : EachLane.Compute(s, a => a + window);
    }
}
