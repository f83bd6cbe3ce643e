using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Text;

using Fpn.IlGpu.Cli;

if (OperatingSystem.IsWindows())
{
    // The console's own code page lacks the multiplication sign and the arrows.
    Console.OutputEncoding = Encoding.UTF8;
}

var root = new RootCommand("Finds objects in pictures with a Feature Pyramid Network, on whatever accelerator is there.")
{
    DetectCommand.Create(),
    DevicesCommand.Create(),
    TrainCommand.Create(),
    EvalCommand.Create(),
    ProposalsCommand.Create(),
    AblateCommand.Create(),
    ShapesCommand.Create(),
    VerifyCommand.Create(),
    WeightsCommand.Create(),
};

// A path may begin with '@': such an argument is a path here, not a file of further arguments.
var parsed = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
if (parsed.Action is ParseErrorAction)
{
    var command = "fpn";
    for (var at = parsed.CommandResult; at is not null && at.Command != root; at = at.Parent as CommandResult)
        command = command.Insert("fpn".Length, $" {at.Command.Name}");
    Screen.Complain($"{parsed.Errors[0].Message.TrimEnd('.')}; see '{command} --help'.");
    return ExitCode.WrongUsage;
}

try
{
    // The commands handle Ctrl-C and their errors themselves.
    return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
}
catch (Exception exception)
{
    Screen.Complain(ErrorSentence.Of(exception));
    return ExitCode.SomethingFailed;
}
