using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Bench;

/// <summary>
/// A command's measurements as a JSON file, with the machine, the versions and the commit, without which figures can't be
/// compared.
/// </summary>
internal sealed class Results
{
    private static readonly JsonSerializerOptions Readable =
        new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly string command;

    public Results(string command, Device device, TorchvisionPeer? peer = null)
    {
        this.command = command;
        Root = new JsonObject
        {
            ["command"] = command,
            ["time"] = DateTimeOffset.Now.ToString("yyyy-MM-ddTHH:mm:sszzz", CultureInfo.InvariantCulture),
            ["commit"] = Commit(),
            ["machine"] = Machine(),
            ["device"] = new JsonObject
            {
                ["id"] = device.Info.Id,
                ["name"] = device.Info.Name,
                ["memory_bytes"] = device.Info.MemoryBytes,
                ["precision"] = device.Precision.ToString(),
            },
            ["versions"] = new JsonObject
            {
                ["fpn_ilgpu"] = Version(typeof(Device).Assembly),
                ["ilgpu"] = Ilgpu,
                ["dotnet"] = RuntimeInformation.FrameworkDescription,
            },
        };
        if (peer is not null)
            Root["peer"] = peer.About.DeepClone();
    }

    /// <summary>The whole document; commands add their measurements.</summary>
    public JsonObject Root { get; }

    /// <summary>ILGPU's version.</summary>
    public static string Ilgpu => $"ILGPU {Version(typeof(ILGPU.Context).Assembly)}";

    /// <summary>Prints the device, the software and the peer.</summary>
    public static void Introduce(Device device, TorchvisionPeer? peer)
    {
        Console.WriteLine(
            $"{device.Info.Id}: {device.Info.Name}, {device.Precision}; {CpuName()}; {Ilgpu}; {RuntimeInformation.FrameworkDescription}");
        if (peer is not null)
        {
            var about = peer.About;
            Console.WriteLine(
                $"peer: {peer.Name}, PyTorch {about["torch"]}, {about["device"]}, {about["threads"]} threads"
                + ((bool)about["tf32"]! ? ", TF32" : ""));
        }
    }

    /// <summary>Writes the file, and prints its path.</summary>
    /// <param name="path">The file; null for one in the folder bench-results, named after the command and the time.</param>
    public void Write(string? path)
    {
        path ??= Path.Combine(
            "bench-results", string.Create(CultureInfo.InvariantCulture, $"{command}-{DateTime.Now:yyyyMMdd-HHmmss}.json"));
        try
        {
            if (Path.GetDirectoryName(path) is { Length: > 0 } folder)
                Directory.CreateDirectory(folder);
            File.WriteAllText(path, Root.ToJsonString(Readable) + "\n");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BenchException($"The results can't be written to '{path}' ({e.Message}).");
        }
        Console.WriteLine($"\nResults: {path}");
    }

    /// <summary>Numbers as a JSON list, rounded to three decimals.</summary>
    public static JsonArray List(IEnumerable<double> values) => [.. values.Select(v => (JsonNode)Math.Round(v, 3))];

    private static JsonObject Machine() => new()
    {
        ["cpu"] = CpuName(),
        ["cores"] = Environment.ProcessorCount,
        ["simd_bits"] = Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : 128,
        ["memory_bytes"] = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
        ["system"] = RuntimeInformation.OSDescription,
        ["architecture"] = RuntimeInformation.ProcessArchitecture.ToString(),
    };

    /// <summary>The name of this machine's processor.</summary>
    public static string CpuName()
    {
        const string CpuInfo = "/proc/cpuinfo";
        var name = OperatingSystem.IsMacOS() ? Output("sysctl", "-n", "machdep.cpu.brand_string")
            : File.Exists(CpuInfo)
                ? File.ReadLines(CpuInfo).FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))?.Split(": ")[^1]
            : Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER");
        return name ?? "unknown CPU";
    }

    /// <summary>The commit of the current folder, followed by "+" if files differ from it; null outside a repository.</summary>
    private static string? Commit()
    {
        var commit = Output("git", "rev-parse", "HEAD");
        return commit is null || string.IsNullOrEmpty(Output("git", "status", "--porcelain")) ? commit : commit + "+";
    }

    private static string Version(Assembly assembly)
        => assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "unknown";

    private static string? Output(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(
                new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            process.ErrorDataReceived += (_, _) => { };
            process.BeginErrorReadLine();
            var text = process.StandardOutput.ReadToEnd().Trim();
            process.WaitForExit();
            return process.ExitCode == 0 ? text : null;
        }
        catch (Win32Exception)
        {
            return null;
        }
    }
}
