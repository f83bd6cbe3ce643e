using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Cli;

/// <summary>What <c>--model</c> may be: a file, or the name of a published model.</summary>
internal static class ModelArgument
{
    /// <summary>The weights file that is meant; null for the model that ships with the library.</summary>
    /// <param name="argument">What the user gave; null for nothing.</param>
    /// <exception cref="CommandException">There is no such file, and no downloaded model of that name.</exception>
    public static string? FileOf(string? argument)
    {
        // What exists wins, and says itself what is wrong with it.
        if (argument is null || Path.Exists(argument))
            return argument;
        if (ModelZoo.Find(argument) is not { } model)
            throw new CommandException($"There is no file '{argument}', and no model of that name; {Suggestion(argument)}.");
        var cache = ModelCache.OfUser();
        return cache.Contains(model)
            ? cache.PathOf(model)
            : throw new CommandException($"The model '{model.Name}' isn't here yet: run 'fpn weights download {model.Name}'.");
    }

    /// <summary>The published model that is meant.</summary>
    /// <exception cref="CommandException">None has that name.</exception>
    public static ZooModel Named(string name)
        => ModelZoo.Find(name) ?? throw new CommandException($"There is no model '{name}'; {Suggestion(name)}.");

    private static string Suggestion(string name)
    {
        string[] names = [.. ModelZoo.Nearest(name).Select(near => $"'{near}'")];
        return names.Length switch
        {
            0 => "'fpn weights list' shows the names",
            1 => $"is {names[0]} meant? 'fpn weights list' shows all names",
            _ => $"is {string.Join(", ", names[..^1])} or {names[^1]} meant? 'fpn weights list' shows all names",
        };
    }
}
