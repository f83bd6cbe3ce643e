namespace Fpn.IlGpu.Ptx;

/// <summary>
/// A group of threads (CUDA's block): its shared memory and its warps, each run in turn to its next barrier. One object runs
/// several groups of a launch in turn, because creating warps takes longer than running most groups.
/// </summary>
internal sealed class PtxGroup : IDisposable
{
    private readonly PtxLaunch launch;
    private readonly Warp[] warps;
    private (int X, int Y, int Z) place;

    public PtxGroup(PtxLaunch launch)
    {
        this.launch = launch;
        var size = launch.Group;
        var threads = size.X * size.Y * size.Z;
        warps = new Warp[(threads + Warp.Lanes - 1) / Warp.Lanes];
        Shared = new SharedMemory(launch.SharedBytes, launch.Module.SharedPlaceBytes, warps.Length);
        for (var w = 0; w < warps.Length; w++)
        {
            var live = Math.Min(Warp.Lanes, threads - w * Warp.Lanes);
            var lanes = live == Warp.Lanes ? uint.MaxValue : (1u << live) - 1;
            warps[w] = new Warp(this, w, lanes, launch.Code, launch.Module.Registers)
            {
                Parameters = new LaneMemory("parameter", launch.Module.ParameterBytes, launch.Parameters),
                Local = new LaneMemory("local", launch.Module.LocalBytes, []),
            };
        }
        if (launch.ReverseWarps)
            Array.Reverse(warps);
    }

    public string Name => $"{place}";

    /// <summary>The number of instructions that the group has run, summed over lanes.</summary>
    public long Instructions { get; private set; }

    public SharedMemory Shared { get; }

    public GlobalMemory Global => launch.Global;

    public void Count(int instructions)
    {
        Instructions += instructions;
        if (Instructions > PtxLaunch.MostInstructions)
            throw new PtxException($"More than {PtxLaunch.MostInstructions} instructions were run; is there an end?");
    }

    /// <summary>Runs the group at a place in the grid, from start to end.</summary>
    public void Run(int x, int y, int z)
    {
        place = (x, y, z);
        Instructions = 0;
        Shared.Reset();
        foreach (var warp in warps)
        {
            warp.Reset();
            Fill(warp);
        }
        while (true)
        {
            var waiting = 0;
            foreach (var warp in warps)
            {
                if (warp.Done)
                    continue;
                warp.Run();
                waiting += warp.Done ? 0 : 1;
            }
            if (waiting == 0)
                break;
            Shared.PassBarrier();
        }
    }

    public void Dispose()
    {
        foreach (var warp in warps)
            warp.Dispose();
    }

    /// <summary>Sets the immediates and the registers that identify each thread.</summary>
    private void Fill(Warp warp)
    {
        foreach (var (register, bits) in launch.Module.Immediates)
            Array.Fill(warp.Registers, bits, register * Warp.Lanes, Warp.Lanes);
        foreach (var (name, register) in launch.Module.Special)
        {
            for (var lane = 0; lane < Warp.Lanes; lane++)
                warp.Registers[register * Warp.Lanes + lane] = (uint)Special(name, warp.Index, lane);
        }
    }

    private long Special(string name, int warp, int lane)
    {
        var thread = warp * Warp.Lanes + lane;
        var (size, grid) = (launch.Group, launch.Grid);
        return name switch
        {
            "%tid.x" => thread % size.X,
            "%tid.y" => thread / size.X % size.Y,
            "%tid.z" => thread / size.X / size.Y,
            "%ntid.x" => size.X,
            "%ntid.y" => size.Y,
            "%ntid.z" => size.Z,
            "%ctaid.x" => place.X,
            "%ctaid.y" => place.Y,
            "%ctaid.z" => place.Z,
            "%nctaid.x" => grid.X,
            "%nctaid.y" => grid.Y,
            "%nctaid.z" => grid.Z,
            "%laneid" => lane,
            "%warpid" => warp,
            "%nwarpid" => warps.Length,
            "%lanemask_eq" => 1L << lane,
            "%lanemask_lt" => (1L << lane) - 1,
            "%lanemask_le" => (2L << lane) - 1,
            "%lanemask_gt" => ~((2L << lane) - 1),
            "%lanemask_ge" => ~((1L << lane) - 1),
            _ => throw new PtxException($"{name} is not interpreted."),
        };
    }
}
