using System.CommandLine;
using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Cli;

/// <summary>The option that says how the pictures of a truth were annotated.</summary>
internal static class ExifOption
{
    public static Option<ExifUse> Create()
    {
        return new Option<ExifUse>("--exif")
        {
            Description = "Pictures that EXIF says are turned were annotated turned (apply) or as stored (ignore).",
            HelpName = "apply|ignore",
            DefaultValueFactory = _ => ExifUse.Apply,
            CustomParser = result =>
            {
                if (Enum.TryParse<ExifUse>(result.Tokens[0].Value, ignoreCase: true, out var exif) && Enum.IsDefined(exif))
                    return exif;
                result.AddError($"--exif is '{result.Tokens[0].Value}'; it must be apply or ignore");
                return default;
            },
        };
    }
}
