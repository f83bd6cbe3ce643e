using System.CommandLine;
using System.CommandLine.Invocation;

namespace Fpn.IlGpu.Cli;

/// <summary>The command <c>fpn</c> with all that it can do.</summary>
internal static class FpnCommand
{
    /// <summary>Runs the command with the arguments after its name, and returns its exit code.</summary>
    public static int Run(string[] arguments)
    {
        var root = new RootCommand("Detects objects in pictures with Feature Pyramid Networks, on CPU or GPU.")
        {
            DetectCommand.Create(),
            DevicesCommand.Create(),
            TrainCommand.Create(),
            EvalCommand.Create(),
            ProposalsCommand.Create(),
            ExplainCommand.Create(),
            AblateCommand.Create(),
            ShapesCommand.Create(),
            DataCommand.Create(),
            VerifyCommand.Create(),
            WeightsCommand.Create(),
        };

        // A path may begin with '@', so such an argument is not taken for a response file.
        var parsed = root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Action is ParseErrorAction)
        {
            Screen.Complain(UsageError.Of(parsed));
            return ExitCode.WrongUsage;
        }

        try
        {
            // The commands handle Ctrl-C and their errors themselves.
            return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (Exception exception)
        {
            Screen.Complain(exception);
            return ExitCode.SomethingFailed;
        }
    }
}
