using System.Buffers;
using System.Numerics;

namespace Fpn.IlGpu.Tests.Ptx;

/// <summary>
/// Thirty-two threads in lockstep. Lanes that part at a branch run one side after the other and meet again where
/// <see cref="Reconvergence"/> says, so that an instruction for the whole warp sees whom it would see on a GPU.
/// </summary>
internal sealed class Warp
{
    public const int Lanes = 32;

    private readonly PtxGroup group;
    private readonly Frame entry;

    public Warp(PtxGroup group, int index, uint lanes, PtxCode code, int registers)
    {
        this.group = group;
        Index = index;
        // Thousands of groups come after each other, and a kernel may have a thousand registers.
        Registers = ArrayPool<ulong>.Shared.Rent(registers * Lanes);
        Array.Clear(Registers);
        Copies = new AsyncCopies(group.Shared, index);
        entry = new Frame(code, lanes);
    }

    public int Index { get; }

    /// <summary>Register r of lane l is at r · 32 + l.</summary>
    public ulong[] Registers { get; }

    public PtxGroup Group => group;

    public AsyncCopies Copies { get; }

    /// <summary>Each lane's parameters, and the parameters of the functions that it calls.</summary>
    public required LaneMemory Parameters { get; init; }

    public required LaneMemory Local { get; init; }

    /// <summary>The lanes that have not returned.</summary>
    public uint Live => entry.Live;

    public bool Done => Live == 0;

    /// <summary>The line of a branch that was promised to be uniform and parted lanes since the last barrier; or 0.</summary>
    public int BrokenPromise { get; set; }

    /// <summary>Runs to the next barrier of the group, or to the end.</summary>
    public void Run() => Run(entry);

    /// <summary>Gives its registers back.</summary>
    public void End() => ArrayPool<ulong>.Shared.Return(Registers);

    private void Run(Frame frame)
    {
        var paths = frame.Paths;
        while (paths.Count > 0)
        {
            var path = paths[^1];
            path.Lanes &= frame.Live;
            if (path.Lanes == 0 || path.At == path.Until)
                paths.RemoveAt(paths.Count - 1);
            else if (Follow(frame, ref path))
                return;
        }
    }

    /// <summary>Runs along a path to its end, or past an instruction that steers; true where the warp must wait.</summary>
    private bool Follow(Frame frame, ref Path path)
    {
        var instructions = frame.Code.Instructions;
        var instruction = instructions[path.At];
        try
        {
            while (path.At != path.Until)
            {
                instruction = instructions[path.At];
                var lanes = path.Lanes;
                if (instruction.Guard >= 0)
                    lanes &= TrueLanes(instruction.Guard) ^ (instruction.GuardNegated ? uint.MaxValue : 0);
                group.Count(BitOperations.PopCount(lanes));
                if (instruction.Flow != PtxFlow.Next)
                    return Steer(frame, instruction, path, lanes);
                if (lanes != 0)
                    instruction.Run!(this, lanes);
                path.At++;
            }
            frame.Paths[^1] = path;
            return false;
        }
        catch (PtxException e)
        {
            var statement = instruction.Statement;
            throw new PtxException(
                $"{frame.Code.Function.Name}, line {statement.Line}, {statement.Text}, group {group.Name}, warp {Index}: {e.Message}", e);
        }
    }

    /// <summary>Runs an instruction that steers; true where the warp must wait for the others.</summary>
    private bool Steer(Frame frame, PtxInstruction instruction, Path path, uint lanes)
    {
        var paths = frame.Paths;
        var waits = false;
        var next = path with { At = path.At + 1 };
        switch (instruction.Flow)
        {
            case PtxFlow.Branch:
                Part(frame, instruction, path, lanes, instruction.Targets[0]);
                return false;
            case PtxFlow.BranchIndexed:
                // As a chain of branches: first all whose index is that of the first lane.
                var index = Registers[instruction.Statement.Operands[0].Register * Lanes + BitOperations.TrailingZeroCount(lanes)];
                if (index >= (ulong)instruction.Targets.Length)
                    throw new PtxException($"The index {index} has no target.");
                Part(frame, instruction, path, LanesWith(instruction.Statement.Operands[0].Register, index, lanes), instruction.Targets[index], path.At);
                return false;
            case PtxFlow.Return:
                frame.Live &= ~lanes;
                break;
            case PtxFlow.Call when lanes != 0:
                instruction.Run!(this, lanes);
                break;
            case PtxFlow.Barrier when lanes != 0:
                if (frame != entry)
                    throw new PtxException("A barrier inside a called function is not interpreted.");
                if (lanes != frame.Live)
                    throw new PtxException($"Only the lanes {lanes:X8} of {frame.Live:X8} reach this barrier.");
                BrokenPromise = 0;
                waits = true;
                break;
        }
        paths[^1] = next;
        return waits;
    }

    private void Part(Frame frame, PtxInstruction instruction, Path path, uint taken, int target, int other = -1)
    {
        var paths = frame.Paths;
        var rest = path.Lanes & ~taken;
        if (other < 0)
            other = path.At + 1;
        if (taken == 0 || rest == 0)
        {
            paths[^1] = path with { At = rest == 0 ? target : other };
            return;
        }
        if (instruction.Uniform)
            BrokenPromise = instruction.Statement.Line;
        var meet = instruction.Reconverge;
        if (path.Until == meet)
            paths.RemoveAt(paths.Count - 1);
        else
            paths[^1] = path with { At = meet };
        if (other != meet)
            paths.Add(new Path { At = other, Until = meet, Lanes = rest });
        if (target != meet)
            paths.Add(new Path { At = target, Until = meet, Lanes = taken });
    }

    /// <summary>Runs a function for some lanes to its end.</summary>
    public void Call(PtxCode code, uint lanes) => Run(new Frame(code, lanes));

    /// <summary>Fails where an instruction of all 32 lanes is run by fewer, or where they may not run in step.</summary>
    public void RequireWholeWarp(uint lanes)
    {
        if (lanes != uint.MaxValue)
            throw new PtxException($"All lanes must run this together, and only {lanes:X8} do.");
        if (BrokenPromise > 0)
        {
            throw new PtxException(
                $"Lanes parted at line {BrokenPromise}, whose branch the text says is uniform, and no barrier brought them together.");
        }
    }

    /// <summary>The warp's own barrier.</summary>
    public void PassBarrier(uint lanes)
    {
        if (lanes != Live)
            throw new PtxException($"Only the lanes {lanes:X8} of {Live:X8} reach the warp's barrier.");
        group.Shared.PassWarpBarrier(Index);
        BrokenPromise = 0;
    }

    private uint TrueLanes(int register)
    {
        var values = Registers.AsSpan(register * Lanes, Lanes);
        var lanes = 0u;
        for (var i = 0; i < Lanes; i++)
            lanes |= (uint)values[i] << i;
        return lanes;
    }

    private uint LanesWith(int register, ulong value, uint lanes)
    {
        for (var i = 0; i < Lanes; i++)
        {
            if ((uint)Registers[register * Lanes + i] != (uint)value)
                lanes &= ~(1u << i);
        }
        return lanes;
    }

    /// <summary>Lanes that run together, from one instruction until another where they wait for the rest.</summary>
    private struct Path
    {
        public int At;
        public int Until;
        public uint Lanes;
    }

    private sealed class Frame(PtxCode code, uint lanes)
    {
        public PtxCode Code { get; } = code;

        public uint Live { get; set; } = lanes;

        public List<Path> Paths { get; } = [new Path { At = 0, Until = code.Instructions.Length, Lanes = lanes }];
    }
}
