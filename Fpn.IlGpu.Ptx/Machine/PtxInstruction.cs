namespace Fpn.IlGpu.Ptx;

/// <summary>An instruction's effect on the flow of control.</summary>
internal enum PtxFlow
{
    Next,
    Branch,
    BranchIndexed,
    Return,
    Call,
    Barrier,
}

/// <summary>An instruction's effect on the lanes of a warp that run it: those whose bits in the mask are set.</summary>
internal delegate void LaneAction(Warp warp, uint lanes);

/// <summary>A decoded instruction.</summary>
internal sealed class PtxInstruction(PtxStatement statement)
{
    public PtxStatement Statement { get; } = statement;

    public int Guard { get; } = statement.Guard;

    public bool GuardNegated { get; } = statement.GuardNegated;

    public PtxFlow Flow { get; init; } = PtxFlow.Next;

    /// <summary>The instruction's action; null if it only controls the flow.</summary>
    public LaneAction? Run { get; init; }

    /// <summary>The indices of the instructions that it may branch to.</summary>
    public int[] Targets { get; init; } = [];

    /// <summary>Whether the text promises that all threads take the same branch (<c>.uni</c>).</summary>
    public bool Uniform { get; init; }

    /// <summary>The function that it calls.</summary>
    public PtxCode? Callee { get; set; }

    /// <summary>Where lanes that diverge here reconverge: the first instruction that all paths pass.</summary>
    public int Reconverge { get; set; }
}

/// <summary>A decoded function.</summary>
internal sealed record PtxCode(PtxFunction Function, PtxInstruction[] Instructions);
