using System.CommandLine;
using System.CommandLine.Parsing;

using Fpn.IlGpu.Tensors;

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
        (var kind, var names) = word.StartsWith('-')
            ? ("option", command.Options.Select(option => option.Name))
            : ("command", command.Subcommands.Select(subcommand => subcommand.Name));
        return $"There is no {kind} '{word}'{Spelling.Suggestion(word, names)}";
    }
}
