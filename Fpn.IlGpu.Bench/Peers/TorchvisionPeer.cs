using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Fpn.IlGpu.Bench;

/// <summary>What the peer says of one detection.</summary>
internal sealed record PeerDetection(double Ms, double CpuMs, int Detections, long? ProcessBytes, long? DeviceBytes);

/// <summary>
/// torchvision in a process of its own (<c>Peers/torchvision_peer.py</c>): it does nothing until it is asked, so that its
/// runs and this project's can take turns.
/// </summary>
internal sealed class TorchvisionPeer : IDisposable
{
    private readonly Process process;
    private readonly Task<string> complaints;

    private TorchvisionPeer(Process process)
    {
        this.process = process;
        complaints = process.StandardError.ReadToEndAsync();
        About = Read();
    }

    /// <summary>Its version, its device, its threads.</summary>
    public JsonObject About { get; }

    public string Name => $"{About["name"]} {About["version"]}";

    /// <summary>Starts it.</summary>
    /// <param name="python">The command of a Python that has torch and torchvision.</param>
    /// <param name="device">cpu or cuda; null for what it finds.</param>
    /// <param name="noTf32">Whether it is to compute in full float32 on CUDA.</param>
    /// <exception cref="BenchException">There is no such Python, or it lacks torchvision.</exception>
    public static TorchvisionPeer Start(string python, string? device, bool noTf32)
    {
        List<string> arguments =
        [
            Path.Combine(AppContext.BaseDirectory, "Peers", "torchvision_peer.py"),
            "--threads", Environment.ProcessorCount.ToString(CultureInfo.InvariantCulture),
        ];
        if (device is not null)
            arguments.AddRange("--device", device);
        if (noTf32)
            arguments.Add("--no-tf32");
        var start = new ProcessStartInfo(python, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (Win32Exception e)
        {
            throw new BenchException($"The peer needs Python, and '{python}' can't be started ({e.Message}); --python names another.");
        }
        try
        {
            return new TorchvisionPeer(process);
        }
        catch (BenchException e)
        {
            process.Dispose();
            throw new BenchException($"{e.Message} --python names another Python than '{python}'.");
        }
    }

    /// <summary>Makes or loads fasterrcnn_resnet50_fpn.</summary>
    /// <param name="size">The picture's, and the network's input.</param>
    /// <param name="weights">A file of its state dictionary.</param>
    /// <param name="create">Whether to make the weights and write them there, or read them.</param>
    /// <param name="picture">A file of the picture's bytes.</param>
    public void UseModel(PictureSize size, string weights, bool create, string picture)
        => Ask("model", size.Height, size.Width, create ? "new" : "load", Path.GetFullPath(weights), picture);

    /// <summary>One detection.</summary>
    public PeerDetection Detect()
    {
        var reply = Ask("detect");
        return new PeerDetection(
            (double)reply["ms"]!, (double)reply["cpu_ms"]!, (int)reply["detections"]!,
            (long?)reply["process_bytes"], (long?)reply["device_bytes"]);
    }

    /// <summary>The milliseconds of a layer, the mean of some in a row.</summary>
    public double Layer(LayerShape shape, int repeats) => (double)(shape.IsProduct
        ? Ask("linear", shape.H, shape.C, shape.K, repeats)
        : Ask("conv", shape.H, shape.W, shape.C, shape.K, shape.Side, shape.Stride, repeats))["ms"]!;

    /// <summary>The milliseconds of a layer's forward pass and of its gradients to data and to weights.</summary>
    public (double Forward, double Data, double Weights) Gradients(LayerShape shape, int repeats)
    {
        var reply = shape.IsProduct
            ? Ask("linear_gradients", shape.H, shape.C, shape.K, repeats)
            : Ask("conv_gradients", shape.Batch, shape.H, shape.W, shape.C, shape.K, shape.Side, shape.Stride, repeats);
        return ((double)reply["forward_ms"]!, (double)reply["data_ms"]!, (double)reply["weights_ms"]!);
    }

    /// <summary>Ends it.</summary>
    public void Dispose()
    {
        process.StandardInput.Close();
        if (!process.WaitForExit(TimeSpan.FromSeconds(10)))
            process.Kill();
        process.Dispose();
    }

    private JsonObject Ask(params JsonNode[] command)
    {
        try
        {
            process.StandardInput.WriteLine(new JsonArray(command).ToJsonString());
            process.StandardInput.Flush();
        }
        catch (IOException)
        {
            // It has ended; what it said last is read below.
        }
        return Read();
    }

    private JsonObject Read()
    {
        if (process.StandardOutput.ReadLine() is not { } line)
            throw new BenchException($"The peer torchvision ended: {LastLine(complaints.Result)}");
        JsonObject reply;
        try
        {
            reply = JsonNode.Parse(line)!.AsObject();
        }
        catch (JsonException)
        {
            throw new BenchException($"The peer torchvision said what is no answer: {line}");
        }
        return reply["error"] is { } error ? throw new BenchException($"The peer torchvision says: {error}.") : reply;
    }

    private static string LastLine(string text) => text.Trim().Split('\n')[^1];
}
