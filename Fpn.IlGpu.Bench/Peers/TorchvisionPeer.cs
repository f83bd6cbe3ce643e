using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Fpn.IlGpu.Bench;

/// <summary>The peer's report of one detection.</summary>
internal sealed record PeerDetection(double Ms, double CpuMs, int Detections, long? ProcessBytes, long? DeviceBytes);

/// <summary>
/// torchvision in a separate process (<c>Peers/torchvision_peer.py</c>). It works only on request, so that its runs and
/// this project's can alternate.
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

    /// <summary>The peer's version, device and number of threads.</summary>
    public JsonObject About { get; }

    public string Name => $"{About["name"]} {About["version"]}";

    /// <summary>Starts the peer.</summary>
    /// <param name="python">The command of a Python that has torch and torchvision.</param>
    /// <param name="device">cpu or cuda; null for cuda if available.</param>
    /// <param name="noTf32">Whether the peer computes in full float32 on CUDA.</param>
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
            throw new BenchException($"The peer needs Python, but '{python}' can't be started ({e.Message}); choose one with --python.");
        }
        try
        {
            return new TorchvisionPeer(process);
        }
        catch (BenchException e)
        {
            process.Dispose();
            throw new BenchException($"{e.Message} Choose a Python other than '{python}' with --python.");
        }
    }

    /// <summary>Creates or loads fasterrcnn_resnet50_fpn.</summary>
    /// <param name="size">The size of the picture, and of the network's input.</param>
    /// <param name="weights">The file of its state dict.</param>
    /// <param name="create">Whether to create the weights and write them to the file, instead of reading them.</param>
    /// <param name="picture">The file of the picture's bytes.</param>
    public void UseModel(PictureSize size, string weights, bool create, string picture)
        => Ask("model", size.Height, size.Width, create ? "new" : "load", Path.GetFullPath(weights), picture);

    /// <summary>Runs one detection.</summary>
    public PeerDetection Detect()
    {
        var reply = Ask("detect");
        return new PeerDetection(
            (double)reply["ms"]!, (double)reply["cpu_ms"]!, (int)reply["detections"]!,
            (long?)reply["process_bytes"], (long?)reply["device_bytes"]);
    }

    /// <summary>The mean time of a layer over <paramref name="repeats"/> consecutive runs, in ms.</summary>
    public double Layer(LayerShape shape, int repeats) => (double)(shape.IsProduct
        ? Ask("linear", shape.H, shape.C, shape.K, repeats)
        : Ask("conv", shape.H, shape.W, shape.C, shape.K, shape.Side, shape.Stride, repeats))["ms"]!;

    /// <summary>The times of a layer's forward pass and of its gradients of data and weights, in ms.</summary>
    public (double Forward, double Data, double Weights) Gradients(LayerShape shape, int repeats)
    {
        var reply = shape.IsProduct
            ? Ask("linear_gradients", shape.H, shape.C, shape.K, repeats)
            : Ask("conv_gradients", shape.Batch, shape.H, shape.W, shape.C, shape.K, shape.Side, shape.Stride, repeats);
        return ((double)reply["forward_ms"]!, (double)reply["data_ms"]!, (double)reply["weights_ms"]!);
    }

    /// <summary>Ends the peer.</summary>
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
            // The peer has ended; its last message is read below.
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
            throw new BenchException($"The peer torchvision sent an invalid reply: {line}");
        }
        return reply["error"] is { } error ? throw new BenchException($"The peer torchvision reports an error: {error}.") : reply;
    }

    private static string LastLine(string text) => text.Trim().Split('\n')[^1];
}
