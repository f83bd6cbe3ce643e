namespace Fpn.IlGpu.Ptx;

/// <summary>A group of threads (CUDA's block): its shared memory and its warps, each run in turn to its next barrier.</summary>
internal sealed class PtxGroup
{
    private readonly PtxLaunch launch;
    private readonly Warp[] warps;

    public PtxGroup(PtxLaunch launch, int x, int y, int z)
    {
        this.launch = launch;
        Name = $"({x}, {y}, {z})";
        var size = launch.Group;
        var threads = size.X * size.Y * size.Z;
        warps = new Warp[(threads + Warp.Lanes - 1) / Warp.Lanes];
        Shared = new SharedMemory(launch.SharedBytes, warps.Length);
        for (var w = 0; w < warps.Length; w++)
        {
            var live = Math.Min(Warp.Lanes, threads - w * Warp.Lanes);
            var lanes = live == Warp.Lanes ? uint.MaxValue : (1u << live) - 1;
            warps[w] = new Warp(this, w, lanes, launch.Code, launch.Module.Registers)
            {
                Parameters = new LaneMemory("parameter", launch.Module.ParameterBytes, launch.Parameters),
                Local = new LaneMemory("local", launch.Module.LocalBytes, []),
            };
            Fill(warps[w], (x, y, z));
        }
    }

    public string Name { get; }

    public SharedMemory Shared { get; }

    public GlobalMemory Global => launch.Global;

    public void Count(int instructions) => launch.Count(instructions);

    public void Run()
    {
        if (launch.ReverseWarps)
            Array.Reverse(warps);
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
        foreach (var warp in warps)
            warp.End();
    }

    /// <summary>Immediates and the registers that say which thread it is.</summary>
    private void Fill(Warp warp, (int X, int Y, int Z) group)
    {
        foreach (var (register, bits) in launch.Module.Immediates)
            Array.Fill(warp.Registers, bits, register * Warp.Lanes, Warp.Lanes);
        foreach (var (name, register) in launch.Module.Special)
        {
            for (var lane = 0; lane < Warp.Lanes; lane++)
                warp.Registers[register * Warp.Lanes + lane] = (uint)Special(name, warp.Index, lane, group);
        }
    }

    private long Special(string name, int warp, int lane, (int X, int Y, int Z) group)
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
            "%ctaid.x" => group.X,
            "%ctaid.y" => group.Y,
            "%ctaid.z" => group.Z,
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
