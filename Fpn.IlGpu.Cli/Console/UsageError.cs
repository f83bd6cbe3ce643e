using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;

namespace Fpn.IlGpu.Cli;

/// <summary>The sentence for a command line that is wrong.</summary>
internal static class UsageError
{
    public static string Of(ParseResult parsed)
    {
        var command = "fpn";
        for (var at = parsed.CommandResult; at.Parent is CommandResult parent; at = parent)
            command = command.Insert("fpn".Length, $" {at.Command.Name}");
        return $"{Mistake(parsed)}; see '{command} --help'.";
    }

    // Where a command has subcommands, the first error is that none was given; what was given in its place says more.
    private static string Mistake(ParseResult parsed)
    {
        if (parsed.CommandResult.Command.Subcommands.Count == 0 || parsed.UnmatchedTokens is not [var word, ..])
            return parsed.Errors[0].Message.TrimEnd('.');
        var command = parsed.CommandResult.Command;
        var (kind, names) = word.StartsWith('-')
            ? ("option", command.Options.Select(option => option.Name))
            : ("command", command.Subcommands.Select(subcommand => subcommand.Name));
        string[] near = [.. Suggestions(parsed).Intersect(names).Select(name => $"'{name}'")];
        return $"There is no {kind} '{word}'{(near.Length == 0 ? "" : $" (did you mean {string.Join(" or ", near)}?)")}";
    }

    // System.CommandLine only prints them, one a line.
    private static string[] Suggestions(ParseResult parsed)
    {
        var action = (ParseErrorAction)parsed.Action!;
        (action.ShowHelp, action.ShowTypoCorrections) = (false, true);
        using var said = new StringWriter();
        parsed.Invoke(new InvocationConfiguration { Output = said, Error = TextWriter.Null });
        return [.. said.ToString().Split('\n').Select(line => line.Trim())];
    }
}
