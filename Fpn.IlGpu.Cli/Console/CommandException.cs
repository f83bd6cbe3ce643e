namespace Fpn.IlGpu.Cli;

/// <summary>The command can't continue. The message is one sentence that tells the user what is wrong and what would help.</summary>
internal sealed class CommandException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The process's exit code.</summary>
    public int ExitCode { get; init; } = Cli.ExitCode.SomethingFailed;
}
