namespace Fpn.IlGpu.Tests.Cli;

/// <summary>
/// A test that runs the command as users do: as a process, with signals, limits, environment variables, and streams of its own.
/// </summary>
internal abstract class CommandProcessTest : CommandFolderTest
{
    protected FpnResult Fpn(params string[] arguments) => FpnProcess.Run(Folder, arguments);
}
