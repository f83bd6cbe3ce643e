namespace Fpn.IlGpu.Weights;

/// <summary>The published models that are known by name.</summary>
public static class ModelZoo
{
    /// <summary>All of them: torchvision's detectors, then Detectron2's, then torchvision's backbones.</summary>
    public static IReadOnlyList<ZooModel> All { get; } = [.. TorchvisionModels.All, .. Detectron2Models.All, .. TorchvisionBackbones.All];

    /// <summary>Returns the model with this name, ignoring case; null if there is none.</summary>
    public static ZooModel? Find(string name)
        => All.FirstOrDefault(model => string.Equals(model.Name, name, StringComparison.OrdinalIgnoreCase));

    /// <summary>
    /// Returns the names most similar to an unknown name, best first: those that contain it, or that differ from it by few
    /// edits; none if no name is similar.
    /// </summary>
    /// <param name="name">The unknown name.</param>
    /// <param name="most">The maximum number of names.</param>
    public static IReadOnlyList<string> Nearest(string name, int most = 3)
    {
        ArgumentNullException.ThrowIfNull(name);
        const int longest = 100; // Longer than any name here, so not a typing error.
        if (name.Length is 0 or > longest)
            return [];
        var wanted = Plain(name);
        return [.. All
            .Select(model => (model.Name, Plain: Plain(model.Name)))
            .Select(model => (model.Name, Part: IsPart(wanted, model.Plain), Changes: Changes(wanted, model.Plain)))
            .Where(model => model.Part || model.Changes <= Math.Max(2, wanted.Length / 4))
            .OrderBy(model => model.Changes)
            .Take(most)
            .Select(model => model.Name)];
    }

    // It is easy to confuse '-', '_' and a space.
    private static string Plain(string name) => name.ToLowerInvariant().Replace('-', '_').Replace(' ', '_');

    private static bool IsPart(string wanted, string name) => wanted.Length >= 4 && name.Contains(wanted, StringComparison.Ordinal);

    // Levenshtein distance (insertions, deletions and substitutions), one row of the table at a time.
    private static int Changes(string from, string to)
    {
        int[] above = [.. Enumerable.Range(0, to.Length + 1)];
        foreach (var letter in from)
        {
            var row = new int[to.Length + 1];
            row[0] = above[0] + 1;
            for (var i = 1; i <= to.Length; i++)
            {
                var exchanged = above[i - 1] + (to[i - 1] == letter ? 0 : 1);
                row[i] = Math.Min(exchanged, Math.Min(above[i], row[i - 1]) + 1);
            }
            above = row;
        }
        return above[^1];
    }
}
