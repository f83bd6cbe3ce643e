using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Fpn.IlGpu.Ptx;

/// <summary>The state space of an address.</summary>
internal enum PtxSpace
{
    Generic,
    Global,
    Shared,
    Local,
    Param,
}

/// <summary>
/// <c>ld</c> and <c>st</c>, including vectors. An address must be a multiple of the size of the whole access (PTX ISA,
/// "Addresses as Operands").
/// </summary>
internal static class MemoryAccess
{
    // These choose caches or allow for concurrent writers. They change no result here: there are no caches, and nothing
    // else writes meanwhile.
    private static readonly string[] Ignored = ["nc", "ca", "cg", "cs", "lu", "cv", "wb", "wt", "weak", "volatile"];

    public static LaneAction? Decode(PtxStatement s)
    {
        if (s.Parts[0] is not ("ld" or "st"))
            return null;
        EachLane.Require(s, 2);
        var space = PtxSpace.Generic;
        var count = 1;
        foreach (var part in s.Parts[1..^1])
        {
            if (Enum.TryParse<PtxSpace>(part, ignoreCase: true, out var named))
                space = named;
            else if (part is "v2" or "v4")
                count = part[1] - '0';
            else if (!Ignored.Contains(part) && !part.Contains("::", StringComparison.Ordinal))
                throw new PtxException($"'{part}' is not interpreted");
        }
        var type = s.Parts[^1];
        var (address, values) = s.Parts[0] == "ld" ? (s.Operands[1], s.Operands[0]) : (s.Operands[0], s.Operands[1]);
        if (address.Kind != PtxOperandKind.Address)
            throw new PtxException("the address needs brackets");
        var registers = EachLane.Registers(values);
        if (registers.Length != count)
            throw new PtxException($"{registers.Length} registers for {count} values");
        return s.Parts[0] == "ld" ? Load(space, type, address, registers) : Store(space, type, address, registers);
    }

    /// <summary>The width of a statement's accesses to memory that may be shared, in bytes; 0 if it has none.</summary>
    public static int SharedBytes(PtxStatement s)
        => s.Parts[0] is "ld" or "st" && !s.Parts.Any(part => part is "global" or "local" or "param") ? PtxTypes.Bytes(s.Parts[^1]) : 0;

    private static LaneAction Load(PtxSpace space, string type, PtxOperand address, int[] registers)
    {
        var bytes = PtxTypes.Bytes(type);
        var signed = type[0] == 's';
        var (at, offset) = (EachLane.First(address), (ulong)address.Offset);
        return (warp, lanes) =>
        {
            var r = warp.Registers;
            for (; lanes != 0; lanes &= lanes - 1)
            {
                var l = BitOperations.TrailingZeroCount(lanes);
                var place = Read(warp, l, space, r[at + l] + offset, bytes * registers.Length);
                if (bytes == sizeof(uint) && !signed)
                {
                    // By far the most frequent case.
                    var words = MemoryMarshal.Cast<byte, uint>(place);
                    for (var i = 0; i < words.Length; i++)
                        r[registers[i] + l] = words[i];
                    continue;
                }
                for (var i = 0; i < registers.Length; i++)
                    r[registers[i] + l] = Value(place[(i * bytes)..], bytes, signed);
            }
        };
    }

    private static LaneAction Store(PtxSpace space, string type, PtxOperand address, int[] registers)
    {
        var bytes = PtxTypes.Bytes(type);
        var (at, offset) = (EachLane.First(address), (ulong)address.Offset);
        return (warp, lanes) =>
        {
            // Room for four values, and for the eight bytes that are written whatever the width of the last one.
            Span<byte> value = stackalloc byte[(4 * sizeof(ulong)) + sizeof(ulong)];
            var r = warp.Registers;
            for (; lanes != 0; lanes &= lanes - 1)
            {
                var l = BitOperations.TrailingZeroCount(lanes);
                for (var i = 0; i < registers.Length; i++)
                    BinaryPrimitives.WriteUInt64LittleEndian(value[(i * bytes)..], r[registers[i] + l]);
                Write(warp, l, space, r[at + l] + offset, value[..(bytes * registers.Length)]);
            }
        };
    }

    /// <summary>Reads a lane's bytes at an address of a state space, or at a generic address.</summary>
    public static unsafe ReadOnlySpan<byte> Read(Warp warp, int lane, PtxSpace space, ulong address, int bytes)
    {
        Align(lane, address, bytes);
        Generic(ref space, ref address);
        return space switch
        {
            PtxSpace.Global => new ReadOnlySpan<byte>(warp.Group.Global.At(address, bytes), bytes),
            PtxSpace.Shared => warp.Group.Shared.Read((warp.Index * Warp.Lanes) + lane, address, bytes),
            PtxSpace.Local => warp.Local.At(lane, address, bytes),
            _ => warp.Parameters.At(lane, address, bytes),
        };
    }

    private static unsafe void Write(Warp warp, int lane, PtxSpace space, ulong address, ReadOnlySpan<byte> value)
    {
        Align(lane, address, value.Length);
        Generic(ref space, ref address);
        switch (space)
        {
            case PtxSpace.Global:
                value.CopyTo(new Span<byte>(warp.Group.Global.At(address, value.Length), value.Length));
                break;
            case PtxSpace.Shared:
                warp.Group.Shared.Write((warp.Index * Warp.Lanes) + lane, address, value);
                break;
            case PtxSpace.Local:
                value.CopyTo(warp.Local.At(lane, address, value.Length));
                break;
            default:
                value.CopyTo(warp.Parameters.At(lane, address, value.Length));
                break;
        }
    }

    public static void Align(int lane, ulong address, int bytes)
    {
        // The size is a power of two.
        if ((address & (ulong)(bytes - 1)) != 0)
            throw new PtxException($"Lane {lane}: the address 0x{address:X} is not a multiple of {bytes}.");
    }

    private static void Generic(ref PtxSpace space, ref ulong address)
    {
        if (space != PtxSpace.Generic)
            return;
        (space, address) = (address >> GlobalMemory.NumberShift) switch
        {
            GlobalMemory.SharedWindow >> GlobalMemory.NumberShift => (PtxSpace.Shared, address - GlobalMemory.SharedWindow),
            GlobalMemory.LocalWindow >> GlobalMemory.NumberShift => (PtxSpace.Local, address - GlobalMemory.LocalWindow),
            _ => (PtxSpace.Global, address),
        };
    }

    private static ulong Value(ReadOnlySpan<byte> place, int bytes, bool signed) => (bytes, signed) switch
    {
        (1, false) => place[0],
        (1, true) => (ulong)(sbyte)place[0],
        (2, false) => BinaryPrimitives.ReadUInt16LittleEndian(place),
        (2, true) => (ulong)BinaryPrimitives.ReadInt16LittleEndian(place),
        (4, false) => BinaryPrimitives.ReadUInt32LittleEndian(place),
        (4, true) => (ulong)BinaryPrimitives.ReadInt32LittleEndian(place),
        _ => BinaryPrimitives.ReadUInt64LittleEndian(place),
    };
}
