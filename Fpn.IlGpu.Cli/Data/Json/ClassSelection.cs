using System.Text.Json;

namespace Fpn.IlGpu.Cli;

/// <summary>The classes of a subset: which are kept, under which name, and which of them have become one.</summary>
internal sealed class ClassSelection
{
    // From each kept category to the one that stands for all of its new name.
    private readonly Dictionary<DocumentCategory, DocumentCategory> kept;
    private readonly List<(DocumentCategory Category, string Name)> written;

    private ClassSelection(Dictionary<DocumentCategory, DocumentCategory> kept, List<(DocumentCategory Category, string Name)> written)
    {
        this.kept = kept;
        this.written = written;
    }

    /// <summary>The names of the classes, in the file's order.</summary>
    public IReadOnlyList<string> Names => [.. written.Select(item => item.Name)];

    /// <summary>Renames, then selects.</summary>
    /// <param name="document">The set.</param>
    /// <param name="renames">OLD=NEW.</param>
    /// <param name="classes">Names, or several between commas; none for all classes.</param>
    /// <exception cref="CommandException">There is no class of a name.</exception>
    public static ClassSelection Of(CocoDocument document, IReadOnlyList<string> renames, IReadOnlyList<string> classes)
    {
        var before = document.Categories.Select(category => category.Name).Distinct(StringComparer.Ordinal).ToList();
        var renamed = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var rename in renames)
        {
            var parts = rename.Split('=');
            Check(parts[0], before);
            if (!renamed.TryAdd(parts[0], parts[1]))
                throw new CommandException($"--rename gives the class '{parts[0]}' two names.");
        }
        string NameOf(DocumentCategory category) => renamed.GetValueOrDefault(category.Name, category.Name);
        var names = document.Categories.Select(NameOf).Distinct(StringComparer.Ordinal).ToList();
        // A name may have commas in it.
        string[] wanted = [.. classes.SelectMany(text => names.Contains(text) ? [text] : text.Split(',', StringSplitOptions.TrimEntries))];
        foreach (var name in wanted)
            Check(name, names);
        var kept = new Dictionary<DocumentCategory, DocumentCategory>();
        var written = new List<(DocumentCategory, string)>();
        foreach (var category in document.Categories.Where(category => wanted.Length == 0 || wanted.Contains(NameOf(category))))
        {
            // Categories that have one name without our doing stay different classes.
            var joins = document.Categories.Where(other => NameOf(other) == NameOf(category)).ToList();
            var stands = joins.Exists(other => renamed.ContainsKey(other.Name))
                ? joins.Find(other => !renamed.ContainsKey(other.Name)) ?? joins[0]
                : category;
            kept.Add(category, stands);
            if (stands == category)
                written.Add((category, NameOf(category)));
        }
        return new ClassSelection(kept, written);
    }

    /// <summary>Whether an object's class is kept.</summary>
    public bool Has(DocumentObject annotated) => kept.ContainsKey(annotated.Category);

    /// <summary>The category that an object of a kept class has.</summary>
    public DocumentCategory Of(DocumentObject annotated) => kept[annotated.Category];

    /// <summary>Writes the kept categories.</summary>
    public void Write(Utf8JsonWriter json)
    {
        foreach (var (category, name) in written)
            CocoDocument.WriteEntry(json, category.Json, new NewValue("name", null, name));
    }

    private static void Check(string name, List<string> names)
    {
        if (!names.Contains(name))
            throw new CommandException($"There is no class '{name}'; the classes are {string.Join(", ", names)}.");
    }
}
