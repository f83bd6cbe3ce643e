using System.Numerics;
using System.Runtime.Intrinsics;
using Wide = System.Runtime.Intrinsics.Vector512<ulong>;

namespace Fpn.IlGpu.Ptx;

/// <summary>
/// Actions in which each lane computes one register from others. If all lanes run, which is the usual case, a loop over
/// them is twice as fast as one over the mask's bits.
/// </summary>
internal static class EachLane
{
    /// <summary>d = a.</summary>
    public static LaneAction Copy(PtxStatement s)
    {
        Require(s, 2);
        var (d, a) = (First(s, 0), First(s, 1));
        return (warp, lanes) =>
        {
            var r = warp.Registers;
            if (lanes == uint.MaxValue)
            {
                r.AsSpan(a, Warp.Lanes).CopyTo(r.AsSpan(d, Warp.Lanes));
                return;
            }
            for (; lanes != 0; lanes &= lanes - 1)
            {
                var l = BitOperations.TrailingZeroCount(lanes);
                r[d + l] = r[a + l];
            }
        };
    }

    public static LaneAction Compute(PtxStatement s, Func<ulong, ulong> f)
    {
        Require(s, 2);
        var (d, a) = (First(s, 0), First(s, 1));
        return (warp, lanes) =>
        {
            var r = warp.Registers;
            if (lanes == uint.MaxValue)
            {
                var vd = r.AsSpan(d, Warp.Lanes);
                var va = r.AsSpan(a, Warp.Lanes);
                for (var l = 0; l < vd.Length; l++)
                    vd[l] = f(va[l]);
                return;
            }
            for (; lanes != 0; lanes &= lanes - 1)
            {
                var l = BitOperations.TrailingZeroCount(lanes);
                r[d + l] = f(r[a + l]);
            }
        };
    }

    public static LaneAction Compute(PtxStatement s, Func<ulong, ulong, ulong> f, Func<Wide, Wide, Wide>? wide = null)
    {
        Require(s, 3);
        var (d, a, b) = (First(s, 0), First(s, 1), First(s, 2));
        return (warp, lanes) =>
        {
            var r = warp.Registers;
            if (lanes == uint.MaxValue && wide is not null)
            {
                for (var l = 0; l < Warp.Lanes; l += Wide.Count)
                    wide(Vector512.Create(r, a + l), Vector512.Create(r, b + l)).CopyTo(r, d + l);
                return;
            }
            for (; lanes != 0; lanes &= lanes - 1)
            {
                var l = BitOperations.TrailingZeroCount(lanes);
                r[d + l] = f(r[a + l], r[b + l]);
            }
        };
    }

    public static LaneAction Compute(
        PtxStatement s, Func<ulong, ulong, ulong, ulong> f, Func<Wide, Wide, Wide, Wide>? wide = null)
    {
        Require(s, 4);
        var (d, a, b, c) = (First(s, 0), First(s, 1), First(s, 2), First(s, 3));
        return (warp, lanes) =>
        {
            var r = warp.Registers;
            if (lanes == uint.MaxValue && wide is not null)
            {
                for (var l = 0; l < Warp.Lanes; l += Wide.Count)
                    wide(Vector512.Create(r, a + l), Vector512.Create(r, b + l), Vector512.Create(r, c + l)).CopyTo(r, d + l);
                return;
            }
            for (; lanes != 0; lanes &= lanes - 1)
            {
                var l = BitOperations.TrailingZeroCount(lanes);
                r[d + l] = f(r[a + l], r[b + l], r[c + l]);
            }
        };
    }

    public static LaneAction Compute(PtxStatement s, Func<ulong, ulong, ulong, ulong, ulong> f)
    {
        Require(s, 5);
        var (d, a, b, c, e) = (First(s, 0), First(s, 1), First(s, 2), First(s, 3), First(s, 4));
        return (warp, lanes) =>
        {
            var r = warp.Registers;
            for (; lanes != 0; lanes &= lanes - 1)
            {
                var l = BitOperations.TrailingZeroCount(lanes);
                r[d + l] = f(r[a + l], r[b + l], r[c + l], r[e + l]);
            }
        };
    }

    /// <summary>The index of an operand's register in lane 0.</summary>
    public static int First(PtxStatement s, int operand) => First(s.Operands[operand]);

    public static int First(PtxOperand operand) => operand.Kind is PtxOperandKind.Register or PtxOperandKind.Address
        ? operand.Register * Warp.Lanes
        : throw new PtxException($"'{operand.Name}' is not a register (operand kind {operand.Kind})");

    /// <summary>The registers of a vector operand, or the single register of another operand.</summary>
    public static int[] Registers(PtxOperand operand) => operand.Kind == PtxOperandKind.List
        ? [.. operand.Members.Select(First)]
        : [First(operand)];

    public static void Require(PtxStatement s, int operands)
    {
        if (s.Operands.Length != operands)
            throw new PtxException($"has {s.Operands.Length} operands, not {operands}");
    }
}
