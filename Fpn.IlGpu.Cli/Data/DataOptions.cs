using System.CommandLine;
using System.Globalization;

namespace Fpn.IlGpu.Cli;

/// <summary>The options that several commands of <c>fpn data</c> have.</summary>
internal static class DataOptions
{
    public static Option<DataFormat?> CreateFrom() => new("--from")
    {
        Description = "The format: coco, voc, yolo, csv or cvat. Without it, the file or folder itself shows it.",
        HelpName = "FORMAT",
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (Enum.TryParse<DataFormat>(text, ignoreCase: true, out var format) && Enum.IsDefined(format) && !char.IsDigit(text[0]))
                return format;
            result.AddError($"--from is '{text}'; it must be coco, voc, yolo, csv or cvat");
            return null;
        },
    };

    public static Option<string?> CreatePictures() => new("--pictures", "-p")
    {
        Description = "The folder of the pictures. Default: that of the file. VOC and YOLO have their own.",
        HelpName = "DIR",
    };

    public static Option<string?> CreateList() => new("--split", "-s")
    {
        Description = "One list of a VOC folder (such as trainval) or of YOLO's data.yaml (such as val). Default: all pictures.",
        HelpName = "NAME",
    };

    public static Option<string> CreateOut(string description, string name = "FILE") => new("--out", "-o")
    {
        Description = description,
        HelpName = name,
        Required = true,
    };

    public static Option<long> CreateSeed() => WholeNumberOption.Create(
        "--seed", "S", 0, 0, long.MaxValue, "Seed of the random choice.");

    /// <summary>The parts of an option's value between commas.</summary>
    public static string[] Parts(string text) => text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    /// <summary>"1 picture", "2 pictures".</summary>
    public static string Count(long count, string noun)
        => string.Create(CultureInfo.InvariantCulture, $"{count} {(count == 1 ? noun : noun.EndsWith('s') ? $"{noun}es" : $"{noun}s")}");
}
