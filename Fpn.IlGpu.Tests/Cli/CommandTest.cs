using Fpn.IlGpu.Cli;

namespace Fpn.IlGpu.Tests.Cli;

/// <summary>
/// A test that runs the command in this process, because a process of its own spends a second of CPU time on compiling. These tests
/// run alone: output and current folder are the process's.
/// </summary>
[NonParallelizable]
internal abstract class CommandTest : CommandFolderTest
{
    /// <summary>Runs the command in the test's folder, and captures what it prints.</summary>
    protected FpnResult Fpn(params string[] arguments)
    {
        var (output, error, folder) = (Console.Out, Console.Error, Environment.CurrentDirectory);
        var (results, errors) = (new StringWriter(), new StringWriter());
        try
        {
            Console.SetOut(results);
            Console.SetError(errors);
            Environment.CurrentDirectory = Folder;
            return new FpnResult(FpnCommand.Run(arguments), results.ToString(), errors.ToString());
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(error);
            Environment.CurrentDirectory = folder;
            (Screen.IsQuiet, ErrorSentence.IsVerbose) = (false, false);
        }
    }
}
