namespace Fpn.IlGpu.Ptx;

/// <summary>
/// A kernel's PTX, run on the CPU: <c>PtxKernel.Compile(NaiveConvolution.Kernel)</c> then <c>Launch(threads, args)</c> for
/// a kernel whose first parameter is an index, or <c>LaunchGroups(grid, group, args)</c> for one that groups itself.
/// Views are given as arrays, which the kernel reads and writes.
/// </summary>
internal sealed class PtxKernel
{
    /// <summary>Threads per group of an implicitly grouped kernel: more than one warp, so that warps interact.</summary>
    public const int ImplicitGroup = 64;

    private readonly PtxModule module;
    private readonly PtxCode entry;

    /// <summary>Parses PTX text with one kernel.</summary>
    public PtxKernel(string text)
    {
        Text = text;
        module = PtxParser.Parse(text);
        entry = PtxDecoder.Decode(module)[module.Entry?.Name ?? throw new PtxException("The text has no kernel.")];
    }

    public string Text { get; }

    /// <summary>Whether the last warp of each group runs first: results must not depend on it.</summary>
    public bool ReverseWarps { get; set; }

    /// <summary>Compiles a C# kernel.</summary>
    public static PtxKernel Compile(Delegate kernel)
        => new(PtxCompiler.Compile(kernel.Method));

    /// <summary>Runs an implicitly grouped kernel; the arguments are those after the index.</summary>
    public void Launch(int threads, params object[] arguments)
        => Run(((threads + ImplicitGroup - 1) / ImplicitGroup, 1, 1), (ImplicitGroup, 1, 1), 0, [threads, .. arguments]);

    /// <summary>Runs an explicitly grouped kernel.</summary>
    public void LaunchGroups(int grid, int group, params object[] arguments) => Run((grid, 1, 1), (group, 1, 1), 0, arguments);

    /// <summary>Runs a kernel with a full launch configuration.</summary>
    public void Run((int X, int Y, int Z) grid, (int X, int Y, int Z) group, int dynamicSharedBytes, object[] arguments)
    {
        using var memory = new KernelArguments();
        var parameters = memory.Pack(module, entry.Function.Parameters, arguments);
        var launch = new PtxLaunch(module, entry)
        {
            Grid = grid,
            Group = group,
            Parameters = parameters,
            Global = memory.Global,
            DynamicSharedBytes = dynamicSharedBytes,
            ReverseWarps = ReverseWarps,
        };
        launch.Run();
    }
}
