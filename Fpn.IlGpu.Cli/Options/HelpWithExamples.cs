using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Fpn.IlGpu.Cli;

/// <summary>The generated help of a command, followed by examples.</summary>
internal sealed class HelpWithExamples : SynchronousCommandLineAction
{
    private readonly HelpAction help;
    private readonly string examples;

    private HelpWithExamples(HelpAction help, string examples)
    {
        this.help = help;
        this.examples = examples;
    }

    /// <summary>Help is shown even if the command line has errors.</summary>
    public override bool ClearsParseErrors => true;

    /// <summary>Adds a help option with these examples to the command.</summary>
    public static void AddTo(Command command, string examples)
    {
        var option = new HelpOption();
        option.Action = new HelpWithExamples((HelpAction)option.Action!, examples);
        command.Options.Add(option);
    }

    public override int Invoke(ParseResult parseResult)
    {
        var code = help.Invoke(parseResult);
        parseResult.InvocationConfiguration.Output.WriteLine(examples);
        return code;
    }
}
