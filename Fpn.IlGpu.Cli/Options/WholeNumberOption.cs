using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Fpn.IlGpu.Cli;

/// <summary>An option that takes a whole number within limits, and says so of what it doesn't take.</summary>
internal static class WholeNumberOption
{
    /// <summary>Makes one.</summary>
    /// <param name="name">The option.</param>
    /// <param name="unit">What stands for the number in the help.</param>
    /// <param name="standard">What it is where it isn't given.</param>
    /// <param name="least">The least that it may be.</param>
    /// <param name="most">The most.</param>
    /// <param name="description">A sentence for the help.</param>
    public static Option<long> Create(string name, string unit, long standard, long least, long most, string description) => new(name)
    {
        Description = description,
        HelpName = unit,
        DefaultValueFactory = _ => standard,
        CustomParser = result => Parse(result, least, most),
    };

    /// <summary>Reads the number, or says what is wrong with it.</summary>
    /// <param name="result">The option's argument.</param>
    /// <param name="least">The least that it may be.</param>
    /// <param name="most">The most.</param>
    public static long Parse(ArgumentResult result, long least, long most)
    {
        var text = result.Tokens[0].Value;
        if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) || value < least || value > most)
        {
            var name = ((OptionResult)result.Parent!).Option.Name;
            var range = most == long.MaxValue
                ? string.Create(CultureInfo.InvariantCulture, $"of at least {least}")
                : string.Create(CultureInfo.InvariantCulture, $"from {least} to {most}");
            result.AddError($"{name} is '{text}'; it can be a whole number {range}");
        }
        return value;
    }
}
