namespace Fpn.IlGpu.Cli;

/// <summary>The process's exit codes, which the help of each command also lists.</summary>
internal static class ExitCode
{
    /// <summary>Everything was done.</summary>
    public const int Done = 0;

    /// <summary>
    /// An input, the model, the device or an output could not be used (pictures that could be used are done); a model could
    /// not be downloaded; or a device computed wrong values.
    /// </summary>
    public const int SomethingFailed = 1;

    /// <summary>The command line itself is wrong; nothing was done.</summary>
    public const int WrongUsage = 2;

    /// <summary>Stopped by Ctrl-C, SIGTERM or SIGHUP before everything was done. The value is 128 + SIGINT, as in shells.</summary>
    public const int Interrupted = 130;
}
