using System.CommandLine;

namespace Fpn.IlGpu.Cli;

/// <summary>The options of commands that leave out data that can't be used.</summary>
internal static class ProblemOptions
{
    public static Option<bool> CreateAllow() => new("--allow-problems")
    {
        Description = "Go on even if more than one per cent of the data can't be used.",
    };

    public static Option<string?> CreateFile() => new("--problems")
    {
        Description = "Write all problems with the data to a file; the messages name the first five of each kind.",
        HelpName = "FILE",
    };
}
