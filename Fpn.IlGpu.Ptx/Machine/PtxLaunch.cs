using System.Runtime.ExceptionServices;

namespace Fpn.IlGpu.Ptx;

/// <summary>A launch: a grid of groups that run one after the other.</summary>
internal sealed class PtxLaunch(PtxModule module, PtxCode code)
{
    // Limits of every CUDA device. More shared memory needs an opt-in, which ILGPU does not make.
    private const int MostThreads = 1024;
    private const int MostSharedBytes = 48 * 1024;

    /// <summary>A group that runs more instructions than this is assumed never to end.</summary>
    public const long MostInstructions = 20_000_000_000;

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

    public void Run()
    {
        var most = Code.Function.MaxThreads ?? MostThreads;
        if (Group.X * Group.Y * Group.Z > most)
            throw new PtxException($"{Code.Function.Name} allows groups of at most {most} threads, not of {Group}.");
        if (SharedBytes > MostSharedBytes)
            throw new PtxException($"{Code.Function.Name} wants {SharedBytes} bytes of shared memory, and there are {MostSharedBytes}.");
        var groups = Grid.X * Grid.Y * Grid.Z;
        var next = -1;
        try
        {
            Parallel.For(0, Math.Min(groups, Environment.ProcessorCount), _ => RunGroups());
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }

        void RunGroups()
        {
            using var group = new PtxGroup(this);
            for (var i = Interlocked.Increment(ref next); i < groups; i = Interlocked.Increment(ref next))
                group.Run(i % Grid.X, i / Grid.X % Grid.Y, i / Grid.X / Grid.Y);
        }
    }
}
