using System.Numerics;

namespace Fpn.IlGpu.Ptx;

// The flow of control: which lanes run which instruction next.
internal sealed partial class Warp
{
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

    /// <summary>Runs a path to its end, or past the next instruction that controls the flow; true if the warp must wait.</summary>
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

    /// <summary>Runs an instruction that controls the flow; true if the warp must wait for the others.</summary>
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
                // Like a chain of branches: first, all lanes with the same index as the first lane.
                var register = instruction.Statement.Operands[0].Register;
                var index = Registers[register * Lanes + BitOperations.TrailingZeroCount(lanes)];
                if (index >= (ulong)instruction.Targets.Length)
                    throw new PtxException($"The index {index} has no target.");
                Part(frame, instruction, path, LanesWith(register, index, lanes), instruction.Targets[index], path.At);
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

    /// <summary>Lanes that run together, from one instruction to another, where they wait for the rest.</summary>
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
