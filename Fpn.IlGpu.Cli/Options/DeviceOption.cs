using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.RegularExpressions;

using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Cli;

/// <summary><c>--device</c>, <c>--opencl-any</c> and <c>--precision</c>: the device that a command runs on, and its precision.</summary>
internal static partial class DeviceOption
{
    public static Option<string> Create() => new("--device", "-d")
    {
        Description = "The device: auto, cpu, cuda[:n] or opencl[:n]; see 'fpn devices'.",
        HelpName = "DEVICE",
        DefaultValueFactory = _ => "auto",
        CustomParser = Parse,
    };

    public static Option<bool> CreateAnyOpenCl() => new("--opencl-any")
    {
        Description = "Allow OpenCL devices without a generic address space, which fpn does not need.",
    };

    public static Option<Precision?> CreatePrecision() => new("--precision")
    {
        Description = "The precision of multiplications: fp32 or, on NVIDIA GPUs with tensor cores, tf32 (the default there) or fp16. "
            + "The latter two round to 11 bits, and fp16 overflows beyond 65504.",
        HelpName = "fp32|tf32|fp16",
        CustomParser = ParsePrecision,
    };

    private static string? Parse(ArgumentResult result)
    {
        var value = result.Tokens[0].Value.ToLowerInvariant();
        if (!DeviceName().IsMatch(value))
            result.AddError($"--device is '{value}'; it must be auto, cpu, cuda, cuda:n, opencl or opencl:n");
        return value;
    }

    private static Precision? ParsePrecision(ArgumentResult result)
    {
        var value = result.Tokens[0].Value;
        switch (value.ToLowerInvariant())
        {
            case "fp32":
                return Precision.Fp32;
            case "tf32":
                return Precision.Tf32;
            case "fp16":
                return Precision.Fp16;
            default:
                result.AddError($"--precision is '{value}'; it must be fp32, tf32 or fp16");
                return null;
        }
    }

    [GeneratedRegex("^(auto|cpu|(cuda|opencl)(:[0-9]{1,4})?)$")]
    private static partial Regex DeviceName();
}
