namespace Fpn.IlGpu.Cli;

/// <summary>The command can't go on; the message is one sentence for its user: what is wrong and what would help.</summary>
internal sealed class CommandException(string message, Exception? inner = null) : Exception(message, inner);
