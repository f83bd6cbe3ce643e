using System.Reflection;
using System.Reflection.Emit;

namespace Fpn.IlGpu.Tests.KernelIl;

/// <summary>One instruction of a method, with the number or token that follows its code.</summary>
internal readonly record struct IlInstruction(int Offset, OpCode Code, int Token);

/// <summary>Splits the bytes of a method's body into instructions (ECMA-335, partition III).</summary>
internal static class IlInstructions
{
    private static readonly Dictionary<short, OpCode> Codes = typeof(OpCodes)
        .GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!)
        .ToDictionary(code => code.Value);

    public static List<IlInstruction> Read(MethodBody body)
    {
        byte[] bytes = body.GetILAsByteArray() ?? [];
        var instructions = new List<IlInstruction>();
        int at = 0;
        while (at < bytes.Length)
        {
            int offset = at;
            short value = bytes[at++];
            if (value == 0xFE)
                value = (short)((0xFE << 8) | bytes[at++]);
            var code = Codes[value];
            int size = OperandBytes(code.OperandType, bytes, at);
            bool hasToken = code.OperandType is OperandType.InlineField or OperandType.InlineMethod
                or OperandType.InlineTok or OperandType.InlineType or OperandType.InlineString or OperandType.InlineSig;
            instructions.Add(new(offset, code, hasToken ? BitConverter.ToInt32(bytes, at) : 0));
            at += size;
        }

        return instructions;
    }

    private static int OperandBytes(OperandType type, byte[] bytes, int at) => type switch
    {
        OperandType.InlineNone => 0,
        OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
        OperandType.InlineVar => 2,
        OperandType.InlineI8 or OperandType.InlineR => 8,
        OperandType.InlineSwitch => 4 + 4 * BitConverter.ToInt32(bytes, at),
        _ => 4,
    };
}
