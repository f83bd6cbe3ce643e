using System.Buffers;

namespace Fpn.IlGpu.Ptx;

/// <summary>
/// Thirty-two threads in lockstep. Lanes that diverge at a branch run one side after the other, and reconverge where
/// <see cref="Reconvergence"/> says, so that warp-wide instructions see the same lanes as on a GPU.
/// </summary>
internal sealed partial class Warp : IDisposable
{
    public const int Lanes = 32;

    private readonly PtxGroup group;
    private readonly PtxCode code;
    private readonly uint lanes;
    private Frame entry;

    public Warp(PtxGroup group, int index, uint lanes, PtxCode code, int registers)
    {
        this.group = group;
        this.code = code;
        this.lanes = lanes;
        Index = index;
        // Rented, because thousands of groups run one after the other, and a kernel may have a thousand registers.
        Registers = ArrayPool<ulong>.Shared.Rent(registers * Lanes);
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

    /// <summary>The line of a branch that was promised to be uniform, but diverged since the last barrier; 0 for none.</summary>
    public int BrokenPromise { get; set; }

    /// <summary>Runs to the next barrier of the group, or to the end.</summary>
    public void Run() => Run(entry);

    /// <summary>Prepares the warp for the next group, with registers cleared and memory in its initial state.</summary>
    public void Reset()
    {
        Array.Clear(Registers);
        Parameters.Reset();
        Local.Reset();
        Copies.Reset();
        entry = new Frame(code, lanes);
        BrokenPromise = 0;
    }

    /// <summary>Returns the registers to the pool.</summary>
    public void Dispose() => ArrayPool<ulong>.Shared.Return(Registers);

    /// <summary>Runs a function for some lanes to its end.</summary>
    public void Call(PtxCode code, uint lanes) => Run(new Frame(code, lanes));

    /// <summary>Fails if fewer than 32 lanes run an instruction of the whole warp, or if the lanes may not run in step.</summary>
    public void RequireWholeWarp(uint lanes)
    {
        if (lanes != uint.MaxValue)
            throw new PtxException($"All lanes must run this together, but only {lanes:X8} do.");
        if (BrokenPromise > 0)
        {
            throw new PtxException(
                $"Lanes diverged at line {BrokenPromise}, although the text says that the branch is uniform, and met at no barrier since.");
        }
    }

    /// <summary>Passes the warp's own barrier (<c>bar.warp.sync</c>).</summary>
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
}
