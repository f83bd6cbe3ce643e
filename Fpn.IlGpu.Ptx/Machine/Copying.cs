using System.Numerics;

namespace Fpn.IlGpu.Ptx;

/// <summary>
/// <c>cp.async</c> from global to shared memory (PTX ISA, "cp.async"): 4, 8 or 16 bytes; only 16 with <c>.cg</c>, which
/// bypasses the first cache. A fourth operand limits the bytes that are read; the rest becomes zero.
/// </summary>
internal static class Copying
{
    public static LaneAction? Decode(PtxStatement s)
    {
        if (!s.Text.StartsWith("cp.async", StringComparison.Ordinal))
            return null;
        switch (s.Text)
        {
            case "cp.async.commit_group":
                EachLane.Require(s, 0);
                return static (warp, lanes) =>
                {
                    for (; lanes != 0; lanes &= lanes - 1)
                        warp.Copies.Commit(BitOperations.TrailingZeroCount(lanes));
                };
            case "cp.async.wait_all":
                EachLane.Require(s, 0);
                return static (warp, lanes) =>
                {
                    for (; lanes != 0; lanes &= lanes - 1)
                    {
                        warp.Copies.Commit(BitOperations.TrailingZeroCount(lanes));
                        warp.Copies.Wait(BitOperations.TrailingZeroCount(lanes), 0);
                    }
                };
            case "cp.async.wait_group":
                EachLane.Require(s, 1);
                var n = EachLane.First(s, 0);
                return (warp, lanes) =>
                {
                    for (; lanes != 0; lanes &= lanes - 1)
                    {
                        var lane = BitOperations.TrailingZeroCount(lanes);
                        warp.Copies.Wait(lane, (int)warp.Registers[n + lane]);
                    }
                };
        }
        if (s.Parts.Length < 5 || s.Parts[3] != "shared" || s.Parts[4] != "global" || s.Operands.Length is not (3 or 4)
            || !s.Parts[5..].All(p => p.StartsWith("L2::", StringComparison.Ordinal)))
        {
            throw new PtxException("this copy is not interpreted");
        }
        return Begin(s, s.Parts[2] switch
        {
            "ca" => [4, 8, 16],
            "cg" => [16],
            var other => throw new PtxException($"'{other}' is not interpreted"),
        });
    }

    private static LaneAction Begin(PtxStatement s, int[] sizes)
    {
        var (to, from, size) = (s.Operands[0], s.Operands[1], EachLane.First(s, 2));
        if (to.Kind != PtxOperandKind.Address || from.Kind != PtxOperandKind.Address)
            throw new PtxException("the addresses need brackets");
        var (toAt, fromAt) = (EachLane.First(to), EachLane.First(from));
        var readAt = s.Operands.Length == 4 ? EachLane.First(s, 3) : size;
        return (warp, lanes) =>
        {
            var r = warp.Registers;
            for (; lanes != 0; lanes &= lanes - 1)
            {
                var l = BitOperations.TrailingZeroCount(lanes);
                var bytes = (int)r[size + l];
                var read = (int)r[readAt + l];
                if (!sizes.Contains(bytes))
                    throw new PtxException($"a copy of {bytes} bytes is not allowed");
                if (read < 0 || read > bytes)
                    throw new PtxException($"{read} of {bytes} bytes can't be read");
                // A 32-bit register holds the address in shared memory.
                var destination = (uint)(r[toAt + l] + (ulong)to.Offset);
                var source = r[fromAt + l] + (ulong)from.Offset;
                MemoryAccess.Align(l, destination, bytes);
                MemoryAccess.Align(l, source, bytes);
                var copy = new byte[bytes];
                unsafe
                {
                    if (read > 0)
                        new ReadOnlySpan<byte>(warp.Group.Global.At(source, read), read).CopyTo(copy);
                }
                warp.Copies.Begin(l, destination, copy);
            }
        };
    }
}
