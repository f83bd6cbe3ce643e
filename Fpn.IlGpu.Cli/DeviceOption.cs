using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.RegularExpressions;

namespace Fpn.IlGpu.Cli;

/// <summary><c>--device</c> and <c>--opencl-any</c>: on what a command runs.</summary>
internal static partial class DeviceOption
{
    public static Option<string> Create() => new("--device", "-d")
    {
        Description = "auto, cpu, cuda[:n] or opencl[:n], as 'fpn devices' lists them.",
        HelpName = "DEVICE",
        DefaultValueFactory = _ => "auto",
        CustomParser = Parse,
    };

    public static Option<bool> CreateAnyOpenCl() => new("--opencl-any")
    {
        Description = "Also use OpenCL devices without a generic address space, which fpn does not need.",
    };

    private static string? Parse(ArgumentResult result)
    {
        string value = result.Tokens[0].Value.ToLowerInvariant();
        if (!DeviceName().IsMatch(value))
        {
            result.AddError($"--device is '{value}'; it can be auto, cpu, cuda, cuda:n, opencl or opencl:n");
        }
        return value;
    }

    [GeneratedRegex("^(auto|cpu|(cuda|opencl)(:[0-9]{1,4})?)$")]
    private static partial Regex DeviceName();
}
