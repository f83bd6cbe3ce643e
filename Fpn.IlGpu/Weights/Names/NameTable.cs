using System.Globalization;
using System.Text.RegularExpressions;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// Maps one source's tensor names to the names used here, which are torchvision's newest. A pattern matches a whole name. In a
/// pattern <c>{s}</c> stands for a number, which the new name may use as <c>{s}</c>, <c>{s-1}</c>, <c>{s+5}</c> or
/// <c>{s/2}</c>, and <c>*</c> for one part without dots. The first matching pattern decides; a name that no pattern matches is
/// kept.
/// </summary>
internal sealed partial class NameTable
{
    private readonly List<(Regex Pattern, string? Name)> rules = [];

    /// <summary>Creates a table of rules, which are tried in order.</summary>
    /// <param name="rules">The pattern and the new name of each rule; a null name leaves the tensor out.</param>
    public NameTable(params ReadOnlySpan<(string From, string? To)> rules)
    {
        foreach (var (from, to) in rules)
        {
            var pattern = Regex.Escape(from).Replace(@"\*", "(?<rest>[^.]+)", StringComparison.Ordinal);
            // Regex.Escape leaves the closing brace as it is.
            pattern = EscapedNumber().Replace(pattern, "(?<$1>[0-9]{1,4})");
            this.rules.Add((new Regex($"^{pattern}$", RegexOptions.CultureInvariant), to));
        }
    }

    /// <summary>Returns the new name of a tensor, or null if the tensor is left out.</summary>
    public string? Rename(string name)
    {
        foreach (var (pattern, newName) in rules)
        {
            var match = pattern.Match(name);
            if (match.Success)
                return newName is null ? null : Fill(newName, match);
        }
        return name;
    }

    private static string Fill(string name, Match match)
    {
        var filled = NumberInName().Replace(name, place =>
        {
            var number = int.Parse(match.Groups[place.Groups["name"].Value].Value, CultureInfo.InvariantCulture);
            var operand = place.Groups["operand"].Success ? int.Parse(place.Groups["operand"].Value, CultureInfo.InvariantCulture) : 0;
            number = place.Groups["operator"].Value switch
            {
                "+" => number + operand,
                "-" => number - operand,
                "/" => number / operand,
                _ => number,
            };
            return number.ToString(CultureInfo.InvariantCulture);
        });
        return filled.Replace("*", match.Groups["rest"].Value, StringComparison.Ordinal);
    }

    [GeneratedRegex(@"\\\{([a-z])}")]
    private static partial Regex EscapedNumber();

    [GeneratedRegex(@"\{(?<name>[a-z])(?:(?<operator>[-+/])(?<operand>[0-9]+))?}")]
    private static partial Regex NumberInName();
}

/// <summary>A tensor under another name.</summary>
internal sealed class RenamedTensor(string name, StateTensor tensor) : StateTensor(name, [.. tensor.Shape], tensor.DataType)
{
    internal override bool CanReadParts => tensor.CanReadParts;

    protected override void Read(Span<float> values) => tensor.ReadTo(values);

    protected override void Read(long first, Span<float> values) => tensor.ReadTo(values, first);
}
