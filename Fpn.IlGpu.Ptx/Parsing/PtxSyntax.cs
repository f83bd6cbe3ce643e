namespace Fpn.IlGpu.Ptx;

/// <summary>The kind of an operand.</summary>
internal enum PtxOperandKind
{
    /// <summary>A register or an immediate, which is a register that never changes.</summary>
    Register,

    /// <summary><c>[register + offset]</c>; a symbol's address is an immediate, hence a register.</summary>
    Address,

    /// <summary><c>{a, b}</c> or <c>(a, b)</c>.</summary>
    List,

    /// <summary>A label or a function's name.</summary>
    Name,

    /// <summary><c>_</c>, a destination that is never read.</summary>
    Sink,
}

/// <summary>An operand with its names resolved.</summary>
internal sealed record PtxOperand(PtxOperandKind Kind, int Line)
{
    /// <summary>The register's number.</summary>
    public int Register { get; init; }

    /// <summary>The offset that is added to an address's register, in bytes.</summary>
    public long Offset { get; init; }

    /// <summary>A list's members.</summary>
    public IReadOnlyList<PtxOperand> Members { get; init; } = [];

    /// <summary>A name.</summary>
    public string Name { get; init; } = "";

    /// <summary>The second destination of <c>p|q</c>.</summary>
    public PtxOperand? Second { get; init; }
}

/// <summary>One instruction as written.</summary>
internal sealed record PtxStatement(string Text, int Line, PtxOperand[] Operands)
{
    /// <summary>The instruction's name and qualifiers: <c>ld.global.f32</c> is ld, global, f32.</summary>
    public string[] Parts { get; } = Text.Split('.');

    /// <summary>The register of the guard predicate, or -1.</summary>
    public int Guard { get; init; } = -1;

    /// <summary>Whether the instruction runs where the guard is false.</summary>
    public bool GuardNegated { get; init; }

    /// <summary>The labels of a <c>.branchtargets</c> that <c>brx.idx</c> names.</summary>
    public IReadOnlyList<string> Targets { get; init; } = [];
}

/// <summary>Bytes with a name: a parameter, or an array in shared or local memory.</summary>
internal sealed record PtxVariable(string Name, int Offset, int Bytes);

/// <summary>A kernel or a function.</summary>
internal sealed class PtxFunction(string name)
{
    public string Name { get; } = name;

    public List<PtxVariable> Parameters { get; } = [];

    public PtxVariable? Result { get; set; }

    public List<PtxStatement> Statements { get; } = [];

    /// <summary>The labels, each with the index of the statement after it.</summary>
    public Dictionary<string, int> Labels { get; } = [];

    /// <summary>The maximum number of threads in a group, if the kernel states it.</summary>
    public int? MaxThreads { get; set; }
}

/// <summary>A whole PTX text.</summary>
internal sealed class PtxModule
{
    public Dictionary<string, PtxFunction> Functions { get; } = [];

    public PtxFunction? Entry { get; set; }

    /// <summary>The number of registers of all functions together, which is enough because no function calls itself.</summary>
    public int Registers { get; set; }

    /// <summary>Registers that hold an immediate's bits or a variable's address.</summary>
    public Dictionary<int, ulong> Immediates { get; } = [];

    /// <summary>Registers that hold special values such as <c>%tid.x</c>.</summary>
    public Dictionary<string, int> Special { get; } = [];

    public int SharedBytes { get; set; }

    /// <summary>The width of the narrowest access to shared memory, but 2 bytes at least and 4 at most.</summary>
    public int SharedPlaceBytes { get; set; } = 4;

    public int LocalBytes { get; set; }

    public int ParameterBytes { get; set; }
}
