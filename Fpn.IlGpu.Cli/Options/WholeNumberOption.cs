using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Fpn.IlGpu.Cli;

/// <summary>An option that takes a whole number within limits.</summary>
internal static class WholeNumberOption
{
    /// <summary>Creates an option.</summary>
    /// <param name="name">The option's name.</param>
    /// <param name="unit">The placeholder for the number in the help.</param>
    /// <param name="standard">The default.</param>
    /// <param name="least">The minimum.</param>
    /// <param name="most">The maximum.</param>
    /// <param name="description">The description for the help.</param>
    public static Option<long> Create(string name, string unit, long standard, long least, long most, string description) => new(name)
    {
        Description = description,
        HelpName = unit,
        DefaultValueFactory = _ => standard,
        CustomParser = result => Parse(result, least, most),
    };

    /// <summary>Parses the number, or adds an error to the result.</summary>
    /// <param name="result">The option's argument.</param>
    /// <param name="least">The minimum.</param>
    /// <param name="most">The maximum.</param>
    public static long Parse(ArgumentResult result, long least, long most)
    {
        var text = result.Tokens[0].Value;
        if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) || value < least || value > most)
        {
            var name = ((OptionResult)result.Parent!).Option.Name;
            var range = most == long.MaxValue
                ? string.Create(CultureInfo.InvariantCulture, $"of at least {least}")
                : string.Create(CultureInfo.InvariantCulture, $"from {least} to {most}");
            result.AddError($"{name} is '{text}'; it must be a whole number {range}");
        }
        return value;
    }
}
