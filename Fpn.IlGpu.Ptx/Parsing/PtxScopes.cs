using System.Globalization;

namespace Fpn.IlGpu.Ptx;

/// <summary>
/// The names that are declared at the parser's position, inner scopes first. Registers are numbered across the module. An
/// immediate is a register that is filled once, and so is a variable's address in its space.
/// </summary>
internal sealed class PtxScopes(PtxModule module)
{
    private static readonly string[] SpecialNames =
    [
        "%tid.x", "%tid.y", "%tid.z", "%ntid.x", "%ntid.y", "%ntid.z", "%ctaid.x", "%ctaid.y", "%ctaid.z",
        "%nctaid.x", "%nctaid.y", "%nctaid.z", "%laneid", "%warpid", "%nwarpid", "%lanemask_eq", "%lanemask_lt",
        "%lanemask_le", "%lanemask_gt", "%lanemask_ge",
    ];

    private readonly Dictionary<ulong, int> immediates = [];
    private readonly List<(int Register, int Alignment)> dynamicShared = [];
    private Dictionary<string, int> names = [];

    /// <summary>Opens a scope; <see cref="Close"/> takes the result to close it again.</summary>
    public Dictionary<string, int> Open()
    {
        var outer = names;
        names = new Dictionary<string, int>(names);
        return outer;
    }

    public void Close(Dictionary<string, int> outer) => names = outer;

    public void DeclareRegister(string name) => names[name] = module.Registers++;

    /// <summary>Allocates a variable; one without a length is the launch's dynamic shared memory.</summary>
    public PtxVariable DeclareVariable(string space, string name, int alignment, int? bytes)
    {
        if (bytes is not { } length)
        {
            var register = module.Registers++;
            dynamicShared.Add((register, alignment));
            names[name] = register;
            return new PtxVariable(name, 0, 0);
        }
        var used = space switch
        {
            ".shared" => module.SharedBytes,
            ".local" => module.LocalBytes,
            _ => module.ParameterBytes,
        };
        var offset = (used + alignment - 1) / alignment * alignment;
        names[name] = Immediate((ulong)offset, 0).Register;
        switch (space)
        {
            case ".shared":
                module.SharedBytes = offset + length;
                break;
            case ".local":
                module.LocalBytes = offset + length;
                break;
            default:
                module.ParameterBytes = offset + length;
                break;
        }
        return new PtxVariable(name, offset, length);
    }

    /// <summary>Places dynamic shared memory after all static shared memory.</summary>
    public void PlaceDynamicShared()
    {
        foreach (var (register, alignment) in dynamicShared)
        {
            module.SharedBytes = (module.SharedBytes + alignment - 1) / alignment * alignment;
            module.Immediates[register] = (ulong)module.SharedBytes;
        }
    }

    public PtxOperand Immediate(ulong bits, int line)
    {
        if (!immediates.TryGetValue(bits, out var register))
        {
            immediates[bits] = register = module.Registers++;
            module.Immediates[register] = bits;
        }
        return new PtxOperand(PtxOperandKind.Register, line) { Register = register };
    }

    public PtxOperand Resolve(string word, int line)
    {
        if (names.TryGetValue(word, out var register) || module.Special.TryGetValue(word, out register))
            return new PtxOperand(PtxOperandKind.Register, line) { Register = register };
        if (Array.IndexOf(SpecialNames, word) >= 0)
        {
            module.Special[word] = module.Registers++;
            return Resolve(word, line);
        }
        if (word == "_")
            return new PtxOperand(PtxOperandKind.Sink, line);
        if (word == "WARP_SZ")
            return Immediate(32, line);
        return char.IsAsciiDigit(word[0])
            ? Immediate(Number(word, line), line)
            : new PtxOperand(PtxOperandKind.Name, line) { Name = word };
    }

    /// <summary>The bits of a number: 12, 0x1F, 0f3F800000 (float), 0d… (double). Decimal fractions are rejected.</summary>
    public static ulong Number(string word, int line)
    {
        var hex = word.Length > 2 && word[0] == '0' && word[1] is 'x' or 'X' or 'f' or 'F' or 'd' or 'D';
        if (hex && ulong.TryParse(word[2..].TrimEnd('U'), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var bits))
            return bits;
        if (ulong.TryParse(word.TrimEnd('U'), NumberStyles.None, CultureInfo.InvariantCulture, out bits))
            return bits;
        throw new PtxException($"Line {line}: '{word}' is not a number that is understood here; write floats as 0f and eight digits.");
    }
}
