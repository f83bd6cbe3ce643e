namespace Fpn.IlGpu.Ptx;

/// <summary>Turns statements into instructions that run. Unknown statements are rejected, with their name and line.</summary>
internal static class PtxDecoder
{
    public static Dictionary<string, PtxCode> Decode(PtxModule module)
    {
        var codes = new Dictionary<string, PtxCode>();
        foreach (var function in module.Functions.Values)
        {
            var instructions = function.Statements.Select(s => Decode(module, function, s)).ToArray();
            Reconvergence.Find(instructions);
            codes[function.Name] = new PtxCode(function, instructions);
            if (function.Statements.Any(s => MemoryAccess.SharedBytes(s) is > 0 and < 4))
                module.SharedPlaceBytes = 2;
        }
        foreach (var instruction in codes.Values.SelectMany(c => c.Instructions).Where(i => i.Flow == PtxFlow.Call))
        {
            var name = CalleeName(instruction.Statement);
            instruction.Callee = codes.GetValueOrDefault(name)
                ?? throw new PtxException($"Line {instruction.Statement.Line}: there is no function {name}.");
        }
        return codes;
    }

    private static PtxInstruction Decode(PtxModule module, PtxFunction function, PtxStatement statement)
    {
        try
        {
            return statement.Parts[0] switch
            {
                "bra" => new PtxInstruction(statement)
                {
                    Flow = PtxFlow.Branch,
                    Targets = [Label(function, statement.Operands[0].Name)],
                    Uniform = statement.Parts.Contains("uni"),
                },
                "brx" when statement.Guard < 0 => new PtxInstruction(statement)
                {
                    Flow = PtxFlow.BranchIndexed,
                    Targets = [.. statement.Targets.Select(t => Label(function, t))],
                    Uniform = statement.Parts.Contains("uni"),
                },
                "ret" or "exit" => new PtxInstruction(statement) { Flow = PtxFlow.Return },
                "bar" or "barrier" when statement.Text is "bar.sync" or "barrier.sync" or "barrier.sync.aligned" =>
                    Barrier(module, statement),
                "call" => Call(statement),
                _ => new PtxInstruction(statement) { Run = Action(statement) },
            };
        }
        catch (Exception e) when (e is PtxException or IndexOutOfRangeException)
        {
            throw new PtxException($"{function.Name}, line {statement.Line}, {statement.Text}: {e.Message}", e);
        }
    }

    private static LaneAction Action(PtxStatement statement)
        => Arithmetic.Decode(statement)
        ?? Comparisons.Decode(statement)
        ?? Conversions.Decode(statement)
        ?? Moves.Decode(statement)
        ?? MemoryAccess.Decode(statement)
        ?? Copying.Decode(statement)
        ?? Cooperation.Decode(statement)
        ?? MatrixFragments.Decode(statement)
        ?? throw new PtxException("this instruction is not interpreted");

    private static PtxInstruction Barrier(PtxModule module, PtxStatement statement)
    {
        if (statement.Operands.Length != 1 || module.Immediates.GetValueOrDefault(statement.Operands[0].Register, 1UL) != 0)
            throw new PtxException("only barrier 0, for all threads, is interpreted");
        return new PtxInstruction(statement) { Flow = PtxFlow.Barrier };
    }

    /// <summary><c>call (result), name, (arguments)</c>: copies the arguments to the callee's parameters, and its result back.</summary>
    private static PtxInstruction Call(PtxStatement statement)
    {
        var operands = statement.Operands;
        var result = operands[0].Kind == PtxOperandKind.List ? operands[0].Members[0].Register : -1;
        var arguments = operands[^1].Kind == PtxOperandKind.List && operands.Length > (result < 0 ? 1 : 2)
            ? operands[^1].Members.Select(m => m.Register).ToArray()
            : [];
        PtxInstruction? instruction = null;
        instruction = new PtxInstruction(statement)
        {
            Flow = PtxFlow.Call,
            Run = (warp, lanes) =>
            {
                var callee = instruction!.Callee!;
                for (var i = 0; i < arguments.Length; i++)
                    CopyParameter(warp, lanes, arguments[i], callee.Function.Parameters[i], toVariable: true);
                warp.Call(callee, lanes);
                if (result >= 0)
                    CopyParameter(warp, lanes, result, callee.Function.Result!, toVariable: false);
            },
        };
        return instruction;
    }

    private static void CopyParameter(Warp warp, uint lanes, int addressRegister, PtxVariable variable, bool toVariable)
    {
        for (var lane = 0; lane < Warp.Lanes; lane++)
        {
            if ((lanes >> lane & 1) == 0)
                continue;
            var mine = warp.Parameters.At(lane, warp.Registers[addressRegister * Warp.Lanes + lane], variable.Bytes);
            var theirs = warp.Parameters.At(lane, (ulong)variable.Offset, variable.Bytes);
            if (toVariable)
                mine.CopyTo(theirs);
            else
                theirs.CopyTo(mine);
        }
    }

    private static string CalleeName(PtxStatement statement)
        => statement.Operands.First(o => o.Kind == PtxOperandKind.Name).Name;

    private static int Label(PtxFunction function, string name)
        => function.Labels.TryGetValue(name, out var at) ? at : throw new PtxException($"there is no label '{name}'");
}
