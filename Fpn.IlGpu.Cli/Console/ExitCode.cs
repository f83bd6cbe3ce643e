namespace Fpn.IlGpu.Cli;

/// <summary>What the process returns; the help of the command names the same numbers.</summary>
internal static class ExitCode
{
    /// <summary>All that was asked for was done.</summary>
    public const int Done = 0;

    /// <summary>
    /// Some input, the model, the device or an output could not be used, and the other pictures are done; or a model
    /// could not be had; or a device computed wrong values.
    /// </summary>
    public const int SomethingFailed = 1;

    /// <summary>The command line itself is wrong; nothing was done.</summary>
    public const int WrongUsage = 2;

    /// <summary>Stopped by Ctrl-C, or asked to terminate, before all was done: as shells count it, 128 + SIGINT.</summary>
    public const int Interrupted = 130;
}
