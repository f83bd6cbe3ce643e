using System.Numerics;

namespace Fpn.IlGpu.Ptx;

/// <summary>
/// Instructions in which a warp's lanes cooperate: they exchange registers (<c>shfl.sync</c>), vote, and wait for each
/// other. Memory fences do nothing, because memory is always up to date; missing barriers are found as races instead.
/// </summary>
internal static class Cooperation
{
    public static LaneAction? Decode(PtxStatement s) => s.Text switch
    {
        "shfl.sync.idx.b32" => Shuffle(s, static (lane, b, min, _, segment) => min | (b & ~segment), up: false),
        "shfl.sync.up.b32" => Shuffle(s, static (lane, b, _, _, _) => lane - b, up: true),
        "shfl.sync.down.b32" => Shuffle(s, static (lane, b, _, _, _) => lane + b, up: false),
        "shfl.sync.bfly.b32" => Shuffle(s, static (lane, b, _, _, _) => lane ^ b, up: false),
        "vote.sync.ballot.b32" => Vote(s, static (votes, _) => votes),
        "vote.sync.any.pred" => Vote(s, static (votes, _) => votes != 0 ? 1u : 0),
        "vote.sync.all.pred" => Vote(s, static (votes, lanes) => votes == lanes ? 1u : 0),
        "bar.warp.sync" => static (warp, lanes) => warp.PassBarrier(lanes),
        _ => s.Parts[0] is "membar" or "fence" ? static (_, _) => { } : null,
    };

    /// <summary>
    /// <c>shfl.sync d|p, a, b, c, mask</c>: d = a of another lane j if j is within bounds, otherwise a of this lane. The
    /// bounds come from c: its low five bits, and from bit 8 up a mask that splits the warp into segments.
    /// </summary>
    private static LaneAction Shuffle(PtxStatement s, Func<int, int, int, int, int, int> source, bool up)
    {
        EachLane.Require(s, 5);
        var (d, a, b) = (EachLane.First(s, 0), EachLane.First(s, 1), EachLane.First(s, 2));
        var (c, m) = (EachLane.First(s, 3), EachLane.First(s, 4));
        var p = s.Operands[0].Second is { } second ? EachLane.First(second) : -1;
        return (warp, lanes) =>
        {
            var r = warp.Registers;
            Span<ulong> before = stackalloc ulong[Warp.Lanes];
            r.AsSpan(a, Warp.Lanes).CopyTo(before);
            for (var rest = lanes; rest != 0; rest &= rest - 1)
            {
                var lane = BitOperations.TrailingZeroCount(rest);
                RequireMembers(warp, lanes, (uint)r[m + lane]);
                var segment = (int)(r[c + lane] >> 8 & 31);
                var min = lane & segment;
                var max = min | (int)(r[c + lane] & 31 & (ulong)~segment);
                var j = source(lane, (int)(r[b + lane] & 31), min, max, segment);
                var within = up ? j >= max : j <= max;
                if (!within)
                    j = lane;
                if ((lanes >> j & 1) == 0)
                    throw new PtxException($"Lane {lane} reads from lane {j}, which does not take part.");
                r[d + lane] = before[j];
                if (p >= 0)
                    r[p + lane] = within ? 1u : 0;
            }
        };
    }

    private static LaneAction Vote(PtxStatement s, Func<uint, uint, uint> result)
    {
        EachLane.Require(s, 3);
        var (d, a, m) = (EachLane.First(s, 0), EachLane.First(s, 1), EachLane.First(s, 2));
        return (warp, lanes) =>
        {
            var r = warp.Registers;
            var votes = 0u;
            for (var rest = lanes; rest != 0; rest &= rest - 1)
            {
                var lane = BitOperations.TrailingZeroCount(rest);
                RequireMembers(warp, lanes, (uint)r[m + lane]);
                votes |= (uint)(r[a + lane] & 1) << lane;
            }
            for (var rest = lanes; rest != 0; rest &= rest - 1)
                r[d + BitOperations.TrailingZeroCount(rest)] = result(votes, lanes);
        };
    }

    private static void RequireMembers(Warp warp, uint lanes, uint mask)
    {
        if (lanes != (mask & warp.Live))
            throw new PtxException($"The mask names lanes {mask & warp.Live:X8}, but lanes {lanes:X8} take part.");
    }
}
