namespace Fpn.IlGpu.Ptx;

/// <summary>A grid of groups that run one after the other.</summary>
internal sealed class PtxLaunch(PtxModule module, PtxCode code)
{
    // What every CUDA device has; more shared memory than this needs an opt-in that ILGPU does not make.
    private const int MostThreads = 1024;
    private const int MostSharedBytes = 48 * 1024;

    /// <summary>A kernel that runs longer than this is taken for endless.</summary>
    private const long MostInstructions = 20_000_000_000;

    public PtxModule Module { get; } = module;

    public PtxCode Code { get; } = code;

    public required (int X, int Y, int Z) Grid { get; init; }

    public required (int X, int Y, int Z) Group { get; init; }

    /// <summary>The bytes of the kernel's parameters.</summary>
    public required byte[] Parameters { get; init; }

    public required GlobalMemory Global { get; init; }

    public int DynamicSharedBytes { get; init; }

    /// <summary>Whether the last warp of a group runs first.</summary>
    public bool ReverseWarps { get; init; }

    public int SharedBytes => Module.SharedBytes + DynamicSharedBytes;

    /// <summary>Instructions run so far, one a lane.</summary>
    public long Instructions { get; private set; }

    public void Count(int instructions)
    {
        Instructions += instructions;
        if (Instructions > MostInstructions)
            throw new PtxException($"More than {MostInstructions} instructions were run; is there an end?");
    }

    public void Run()
    {
        var most = Code.Function.MaxThreads ?? MostThreads;
        if (Group.X * Group.Y * Group.Z > most)
            throw new PtxException($"{Code.Function.Name} allows groups of {most} threads, not of {Group}.");
        if (SharedBytes > MostSharedBytes)
            throw new PtxException($"{Code.Function.Name} wants {SharedBytes} bytes of shared memory, and there are {MostSharedBytes}.");
        for (var z = 0; z < Grid.Z; z++)
        {
            for (var y = 0; y < Grid.Y; y++)
            {
                for (var x = 0; x < Grid.X; x++)
                    new PtxGroup(this, x, y, z).Run();
            }
        }
    }
}
