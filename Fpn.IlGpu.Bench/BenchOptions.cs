using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Bench;

/// <summary>The options that the bench's commands share. Each command adds the ones that it takes.</summary>
internal sealed class BenchOptions
{
    public Option<string> Device { get; } = new("--device", "-d")
    {
        Description = "The device: auto, cpu, cuda[:n] or opencl[:n].",
        HelpName = "DEVICE",
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable("FPN_BENCH_DEVICE") ?? "cpu",
    };

    public Option<bool> OpenClAny { get; } = new("--opencl-any")
    {
        Description = "Allow OpenCL devices without a generic address space, such as PoCL's CPU.",
    };

    public Option<Precision?> Precision { get; } = new("--precision")
    {
        Description = "The precision of multiplications: fp32 or, on NVIDIA GPUs with tensor cores, tf32 (the default there) or fp16.",
        HelpName = "fp32|tf32|fp16",
    };

    public Option<string?> Json { get; } = new("--json")
    {
        Description = "The file for the results. Default: a new file in the folder bench-results.",
        HelpName = "FILE",
    };

    public Option<string?> Peer { get; } = OneOf(
        "--peer", "Also measure torchvision, in alternation, on the same machine with the same weights.", "torchvision");

    public Option<string> Python { get; } = new("--python")
    {
        Description = "The Python in which the peer is installed.",
        HelpName = "COMMAND",
        DefaultValueFactory = _ => OperatingSystem.IsWindows() ? "python" : "python3",
    };

    public Option<string?> PeerDevice { get; } = OneOf(
        "--peer-device", "The peer's device. Default: cpu if --device is the CPU; otherwise cuda if available.", "cpu", "cuda");

    public Option<bool> PeerNoTf32 { get; } = new("--peer-no-tf32") { Description = "Make the peer compute in full float32 on CUDA." };

    public Option<string> Model { get; } = new("--model", "-m")
    {
        Description = "The model: r50 (ResNet-50 FPN, random weights, 1000 proposals), r50-c4 (conv5 as the head on C4), shipped, or a checkpoint.",
        HelpName = "r50|r50-c4|shipped|FILE",
        DefaultValueFactory = _ => BenchModel.ResNet50,
    };

    /// <summary>The options of every command that runs on a device and saves its results.</summary>
    public IReadOnlyList<Option> OfDevice => [Device, OpenClAny, Precision, Json];

    /// <summary>The options of commands that can measure a peer.</summary>
    public IReadOnlyList<Option> OfPeer => [Peer, Python, PeerDevice, PeerNoTf32];

    /// <summary>An option for a size, height × width, such as 800x1333.</summary>
    public static Option<PictureSize?> Size(string description) => new("--size")
    {
        Description = description,
        HelpName = "HxW",
        CustomParser = result => PictureSize.Parse(result),
    };

    /// <summary>An option for the number of measurements.</summary>
    public static Option<int> Runs(int standard, string description)
    {
        var option = new Option<int>("--runs", "-n") { Description = description, HelpName = "N", DefaultValueFactory = _ => standard };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > 10_000)
                result.AddError("--runs must be a whole number from 1 to 10000.");
        });
        return option;
    }

    /// <summary>An option that selects layers from a list.</summary>
    public static Option<string?> Only() => new("--only")
    {
        Description = "Only layers whose title contains this, such as 3×3, C4 or fc.",
        HelpName = "TEXT",
    };

    /// <summary>Opens the device that the command line names.</summary>
    public Device OpenDevice(ParseResult parsed) => Runtime.Device.Open(
        parsed.GetRequiredValue(Device),
        new DeviceOptions { AllowAnyOpenCl = parsed.GetValue(OpenClAny), Precision = parsed.GetValue(Precision) });

    /// <summary>The arguments with which another process of this bench opens the same device.</summary>
    public string[] DeviceArguments(ParseResult parsed) => [
        Device.Name, parsed.GetRequiredValue(Device),
        .. parsed.GetValue(OpenClAny) ? new[] { OpenClAny.Name } : [],
        .. parsed.GetValue(Precision) is { } precision ? new[] { Precision.Name, precision.ToString() } : [],
    ];

    /// <summary>Starts the peer if the command line names one.</summary>
    public TorchvisionPeer? StartPeer(ParseResult parsed, Device device) => parsed.GetValue(Peer) is null ? null : TorchvisionPeer.Start(
        parsed.GetRequiredValue(Python),
        parsed.GetValue(PeerDevice) ?? (device.Info.Kind == DeviceKind.Cpu ? "cpu" : null),
        parsed.GetValue(PeerNoTf32));

    private static Option<string?> OneOf(string name, string description, params string[] values)
    {
        var option = new Option<string?>(name) { Description = description, HelpName = string.Join('|', values) };
        option.AcceptOnlyFromAmong(values);
        return option;
    }
}

/// <summary>The size of a picture, in px.</summary>
internal readonly record struct PictureSize(int Height, int Width)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Height} × {Width}";

    /// <summary>The size as an option's argument, such as 800x1333.</summary>
    public string Argument => string.Create(CultureInfo.InvariantCulture, $"{Height}x{Width}");

    public static PictureSize? Parse(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        if (Of(text) is { } size)
            return size;
        result.AddError($"--size is '{text}'; it must be a height and a width of 32 to 8192 px, such as 800x1333.");
        return null;
    }

    /// <summary>Parses a size such as 800x1333; null for anything else.</summary>
    public static PictureSize? Of(string text)
    {
        var sides = text.Split('x');
        return sides.Length == 2 && Side(sides[0]) is { } height && Side(sides[1]) is { } width ? new PictureSize(height, width) : null;
    }

    private static int? Side(string text)
        => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var px) && px is >= 32 and <= 8192 ? px : null;
}
