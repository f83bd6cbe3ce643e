namespace Fpn.IlGpu.Tensors;

/// <summary>Finds the names that someone who mistyped one may have meant.</summary>
internal static class Spelling
{
    /// <summary>
    /// Returns the names most similar to an unknown name, best first: those that contain it, or that differ from it by few
    /// edits; none if no name is similar.
    /// </summary>
    /// <param name="word">The unknown name.</param>
    /// <param name="names">The known names.</param>
    /// <param name="most">The maximum number of names.</param>
    public static IReadOnlyList<string> Nearest(string word, IEnumerable<string> names, int most = 3)
    {
        const int longest = 100; // Longer than any name here, so not a typing error.
        if (word.Length is 0 or > longest)
            return [];
        var wanted = Plain(word);
        return [.. names
            .Select(name => (Name: name, Plain: Plain(name)))
            .Select(name => (name.Name, Part: IsPart(wanted, name.Plain), Changes: Changes(wanted, name.Plain)))
            .Where(name => name.Part || name.Changes <= Math.Max(2, wanted.Length / 4) && name.Changes < wanted.Length / 2.0)
            .OrderBy(name => name.Changes)
            .Take(most)
            .Select(name => name.Name)];
    }

    /// <summary>Returns " (did you mean 'a', 'b' or 'c'?)", to follow an unknown name; empty if no name is similar.</summary>
    /// <param name="word">The unknown name.</param>
    /// <param name="names">The known names.</param>
    public static string Suggestion(string word, IEnumerable<string> names)
    {
        string[] near = [.. Nearest(word, names).Select(name => $"'{name}'")];
        return near.Length switch
        {
            0 => "",
            1 => $" (did you mean {near[0]}?)",
            _ => $" (did you mean {string.Join(", ", near[..^1])} or {near[^1]}?)",
        };
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
