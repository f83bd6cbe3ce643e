using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// Removes what training programs put around a network's own tensor names: <c>module.</c> (DataParallel), <c>model.</c> (Lightning),
/// <c>_orig_mod.</c> (torch.compile), or any attribute that holds the network. What is before a name that only a detector or a backbone
/// has is such a prefix.
/// </summary>
internal static class TensorNames
{
    /// <summary>What torch.compile adds, to the whole network or to a part of it.</summary>
    private const string Compiled = "_orig_mod.";

    private const int MostShown = 3;

    /// <summary>Beginnings of names that tell where a network's own names begin. The first kind that a file has decides.</summary>
    private static readonly string[][] Marks =
    [
        ["backbone.body."],
        ["backbone.bottom_up."],
        ["rpn.head.", "roi_heads.", "head.classification_head.", "mask_proposals."],
        // A pyramid with its backbone, without the detector around it.
        ["fpn.inner_blocks.", "bottom_up.res2."],
        // A backbone alone, or a classifier.
        ["layer1.0.conv1.", "res2.0.conv1.", "features.0.", "conv_stem."],
    ];

    // A second copy of the network, which training keeps beside the first.
    private static readonly string[] Copies = ["ema", "ema_model", "model_ema", "teacher"];

    /// <summary>Returns the same tensors without prefix. The result owns <paramref name="file"/>.</summary>
    /// <param name="file">The tensors as they are named in the file.</param>
    /// <param name="given">The prefix that the user names, or null to find it.</param>
    /// <exception cref="WeightsException">No name has the given prefix, several prefixes are possible, or two names become one.</exception>
    public static StateDictionary WithoutPrefix(StateDictionary file, string? given)
    {
        var isCompiled = file.Tensors.Keys.Any(name => name.Contains(Compiled, StringComparison.Ordinal));
        var names = file.Tensors.Keys.Select(Plain).ToList();
        var prefix = given is null ? Find(file, names) : Given(file, names, given);
        if (prefix.Length == 0 && !isCompiled)
            return file;
        var renamed = file.Tensors.Values.Zip(names, (tensor, name) => new RenamedTensor(
            name.StartsWith(prefix, StringComparison.Ordinal) && name.Length > prefix.Length ? name[prefix.Length..] : name, tensor));
        return new StateDictionary(file.Source, renamed, file.Metadata, file) { Format = file.Format };
    }

    private static string Plain(string name) => name.Replace(Compiled, "", StringComparison.Ordinal);

    private static string Given(StateDictionary file, List<string> names, string given)
    {
        if (given.Length > 0 && !given.EndsWith('.') && names.Exists(name => name.StartsWith($"{given}.", StringComparison.Ordinal)))
            given += ".";
        return names.Exists(name => name.StartsWith(given, StringComparison.Ordinal))
            ? given
            : throw new WeightsException(
                $"{file.Source}: no tensor's name begins with the prefix {WeightsException.Quote(given)}; they begin with {First(names)}.");
    }

    private static string Find(StateDictionary file, List<string> names)
    {
        foreach (var marks in Marks)
        {
            List<string> prefixes = [.. names.SelectMany(name => Prefixes(name, marks)).Distinct()];
            if (prefixes.Contains(""))
                return "";
            if (prefixes.Count > 1)
                prefixes.RemoveAll(prefix => prefix.Split('.').Any(Copies.Contains));
            if (prefixes.Count > 1)
            {
                throw new WeightsException(
                    $"{file.Source}: holds {prefixes.Count} networks, whose tensors' names begin with "
                    + $"{string.Join(", ", prefixes.Take(MostShown).Select(WeightsException.Quote))}; "
                    + "name one as 'prefix' ('--set prefix=…' of 'fpn weights convert').");
            }
            if (prefixes.Count == 1)
                return prefixes[0];
        }
        return "";
    }

    private static IEnumerable<string> Prefixes(string name, string[] marks)
    {
        foreach (var mark in marks)
        {
            var at = name.IndexOf(mark, StringComparison.Ordinal);
            if (at == 0 || (at > 0 && name[at - 1] == '.'))
                yield return name[..at];
        }
    }

    private static string First(List<string> names)
        => string.Join(", ", names.Take(MostShown).Select(WeightsException.Quote)) + (names.Count > MostShown ? ", …" : "");
}
