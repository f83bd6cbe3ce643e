namespace Fpn.IlGpu.Ptx;

/// <summary>What an instruction does to the flow of control.</summary>
internal enum PtxFlow
{
    Next,
    Branch,
    BranchIndexed,
    Return,
    Call,
    Barrier,
}

/// <summary>What an instruction does to the lanes of a warp that run it, which the mask's bits say.</summary>
internal delegate void LaneAction(Warp warp, uint lanes);

/// <summary>A decoded instruction.</summary>
internal sealed class PtxInstruction(PtxStatement statement)
{
    public PtxStatement Statement { get; } = statement;

    public int Guard { get; } = statement.Guard;

    public bool GuardNegated { get; } = statement.GuardNegated;

    public PtxFlow Flow { get; init; } = PtxFlow.Next;

    /// <summary>What it does, unless it steers only.</summary>
    public LaneAction? Run { get; init; }

    /// <summary>Where it may branch to.</summary>
    public int[] Targets { get; init; } = [];

    /// <summary>Whether the text promises that all threads branch alike.</summary>
    public bool Uniform { get; init; }

    /// <summary>The function that it calls.</summary>
    public PtxCode? Callee { get; set; }

    /// <summary>Where lanes that part here meet again: the first instruction that all paths pass.</summary>
    public int Reconverge { get; set; }
}

/// <summary>A decoded function.</summary>
internal sealed record PtxCode(PtxFunction Function, PtxInstruction[] Instructions);
