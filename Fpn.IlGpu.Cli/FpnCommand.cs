using System.CommandLine;
using System.CommandLine.Invocation;
using System.Runtime.InteropServices;

namespace Fpn.IlGpu.Cli;

/// <summary>The command <c>fpn</c> with all that it can do.</summary>
internal static class FpnCommand
{
    private static readonly Option<bool> Quiet = new("--quiet", "-q")
    {
        Description = "Print errors only; files are written as ever.",
        Recursive = true,
    };

    private static readonly Option<bool> Verbose = new("--verbose", "-v")
    {
        Description = "Also print what a report of an error needs: versions, the system, and stack traces.",
        Recursive = true,
    };

    /// <summary>The command with its subcommands and the options of all of them.</summary>
    public static RootCommand Create() => new("Detects objects in pictures with Feature Pyramid Networks, on CPU or GPU.")
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
        CompletionCommand.Create(),
        Quiet,
        Verbose,
    };

    /// <summary>Runs the command with the arguments after its name, and returns its exit code.</summary>
    public static int Run(string[] arguments)
    {
        // A path may begin with '@', so such an argument is not taken for a response file.
        var parsed = Create().Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Action is ParseErrorAction)
        {
            Screen.Complain(UsageError.Of(parsed));
            return ExitCode.WrongUsage;
        }

        Screen.IsQuiet = parsed.GetValue(Quiet);
        ErrorSentence.IsVerbose = parsed.GetValue(Verbose);
        if (ErrorSentence.IsVerbose)
            Screen.Complain($"fpn {Version}, {RuntimeInformation.FrameworkDescription}, {RuntimeInformation.OSDescription}.");
        try
        {
            // The commands handle Ctrl-C and their errors themselves.
            return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (Exception exception)
        {
            Screen.Complain(exception);
            return exception is CommandException command ? command.ExitCode : ExitCode.SomethingFailed;
        }
    }

    private static string Version => typeof(FpnCommand).Assembly.GetName().Version!.ToString(3);
}
