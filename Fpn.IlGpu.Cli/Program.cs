using System.CommandLine;
using System.CommandLine.Invocation;
using System.Text;

using Fpn.IlGpu.Cli;

StandardStreams.Prepare();
if (OperatingSystem.IsWindows())
{
    // The console's default code page lacks the multiplication sign and arrows.
    Console.OutputEncoding = Encoding.UTF8;
}

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
var parsed = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
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
