using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Training;

/// <summary>What a run took from the weights it started from.</summary>
/// <param name="Source">The weights, as the configuration names them.</param>
/// <param name="Loaded">The names of the network's tensors that were loaded.</param>
/// <param name="Random">The names of those that stayed random.</param>
/// <param name="LeftOut">The names of the weights' tensors that were not used.</param>
public sealed record LoadedWeights(
    string Source, IReadOnlyList<string> Loaded, IReadOnlyList<string> Random, IReadOnlyList<string> LeftOut)
{
    private const int MostGroups = 8;

    /// <summary>Why the class layers are random although the weights have some; null if they were loaded, or the weights have none.</summary>
    public string? FreshClasses { get; init; }

    /// <summary>Tensors whose shape in the weights is not that in the network, each with both shapes.</summary>
    public IReadOnlyList<string> OtherShapes { get; init; } = [];

    /// <summary>Keys of the model's configuration that are not the usual ones because the weights were trained so, with their values.</summary>
    public IReadOnlyList<string> Conventions { get; init; } = [];

    /// <summary>Sentences for the user.</summary>
    public IReadOnlyList<string> Sentences()
    {
        List<string> sentences = [$"Weights: {Loaded.Count} of {Loaded.Count + Random.Count} tensors are those of {Source}."];
        if (LeftOut.Count > 0)
            sentences.Add($"Left out: {Groups(LeftOut)}.");
        if (Random.Count > 0)
            sentences.Add($"Random: {Groups(Random)}.");
        if (OtherShapes.Count > 0)
            sentences.Add($"Random, because the weights have another shape: {Some(OtherShapes)}.");
        if (FreshClasses is { } why)
            sentences.Add($"The class layers are fresh: {why}.");
        if (Conventions.Count > 0)
            sentences.Add($"The model keeps the conventions of its weights, unless 'model' has others: {string.Join(", ", Conventions)}.");
        return sentences;
    }

    /// <summary>Names by the layer group that they belong to, with the number of tensors in each: <c>rpn.head (6), fc (2)</c>.</summary>
    private static string Groups(IReadOnlyList<string> names)
        => Some([.. names.GroupBy(GroupOf).Select(group => $"{Shown(group.Key)} ({group.Count()})")]);

    private static string Some(IReadOnlyList<string> items)
        => string.Join(", ", items.Take(MostGroups)) + (items.Count > MostGroups ? $" and {items.Count - MostGroups} more" : "");

    private static string GroupOf(string name)
    {
        var parts = name.Split('.');
        return string.Join('.', parts.Take(Math.Min(2, Math.Max(1, parts.Length - 1))));
    }

    private static string Shown(string name)
    {
        var quoted = WeightsException.Quote(name);
        return quoted.Length == name.Length + 2 && quoted[1..^1] == name ? name : quoted;
    }
}
