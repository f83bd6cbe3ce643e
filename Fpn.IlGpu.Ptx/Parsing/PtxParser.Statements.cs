namespace Fpn.IlGpu.Ptx;

// Instructions and their operands.
internal sealed partial class PtxParser
{
    private PtxStatement ParseStatement(Dictionary<string, IReadOnlyList<string>> branchTargets)
    {
        var guard = -1;
        var negated = false;
        if (Current.Text == "@")
        {
            at++;
            negated = Current.Text == "!";
            if (negated)
                at++;
            guard = ParseOperand().Register;
        }
        var opcode = Current;
        at++;
        if (!char.IsAsciiLetter(opcode.Text[0]))
            throw new PtxException($"Line {opcode.Line}: '{opcode.Text}' is not an instruction.");
        var operands = new List<PtxOperand>();
        while (Current.Text != ";")
        {
            operands.Add(ParseOperand());
            if (Current.Text == ",")
                at++;
            else if (Current.Text != ";")
                throw Error($"'{Current.Text}' was found instead of a comma or a semicolon");
        }
        at++;
        var targets = opcode.Text.StartsWith("brx", StringComparison.Ordinal) ? branchTargets[operands[1].Name] : [];
        return new PtxStatement(opcode.Text, opcode.Line, [.. operands]) { Guard = guard, GuardNegated = negated, Targets = targets };
    }

    private PtxOperand ParseOperand()
    {
        var line = Current.Line;
        var word = Next();
        if (word is "{" or "(")
        {
            var members = new List<PtxOperand>();
            while (Current.Text is not ("}" or ")"))
            {
                members.Add(ParseOperand());
                if (Current.Text == ",")
                    at++;
            }
            at++;
            return new PtxOperand(PtxOperandKind.List, line) { Members = members };
        }
        if (word == "[")
        {
            var operand = scopes.Resolve(Next(), line);
            long offset = 0;
            while (Current.Text != "]")
            {
                var sign = 1;
                while (Current.Text is "+" or "-")
                    sign *= Next() == "-" ? -1 : 1;
                offset += sign * (long)PtxScopes.Number(Next(), line);
            }
            at++;
            if (operand.Kind != PtxOperandKind.Register)
                throw new PtxException($"Line {line}: '{operand.Name}' is not a register or a variable.");
            return operand with { Kind = PtxOperandKind.Address, Offset = offset };
        }
        if (word == "-")
            return scopes.Immediate(unchecked(0 - PtxScopes.Number(Next(), line)), line);
        var resolved = scopes.Resolve(word, line);
        if (Current.Text == "|")
        {
            at++;
            resolved = resolved with { Second = ParseOperand() };
        }
        return resolved;
    }
}
