using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Cli;

/// <summary>The argument of <c>--model</c>: a file, or the name of a published model.</summary>
internal static class ModelArgument
{
    /// <summary>Finds the weights file; null for the model that ships with the library.</summary>
    /// <param name="argument">The user's argument; null if there is none.</param>
    /// <exception cref="CommandException">There is no such file, and no downloaded model of that name.</exception>
    public static string? FileOf(string? argument)
    {
        // A path that exists takes precedence; if it can't be used, loading it says why.
        if (argument is null || Path.Exists(argument))
            return argument;
        if (ModelZoo.Find(argument) is not { } model)
            throw new CommandException($"There is no file '{argument}', and no model of that name{Suggestion(argument)}; 'fpn weights list' shows all names.");
        if (model.IsBackbone)
        {
            throw new CommandException(
                $"'{model.Name}' is a backbone, which can't detect: a detector is trained from it ('network.weights' of a training configuration).");
        }
        var cache = ModelCache.OfUser();
        return cache.Contains(model)
            ? cache.PathOf(model)
            : throw new CommandException($"The model '{model.Name}' is not downloaded yet; run 'fpn weights download {model.Name}'.");
    }

    /// <summary>The files that loading the weights reads; none for the model that ships with the library.</summary>
    public static IEnumerable<string> FilesOf(string? weights) => weights is null ? [] : WeightsFile.FilesOf(weights);

    /// <summary>Finds a published model.</summary>
    /// <exception cref="CommandException">No model has that name.</exception>
    public static ZooModel Named(string name)
        => ModelZoo.Find(name) ?? throw new CommandException($"There is no model '{name}'{Suggestion(name)}; 'fpn weights list' shows all names.");

    private static string Suggestion(string name) => Spelling.Suggestion(name, ModelZoo.All.Select(model => model.Name));
}
