using BenchmarkDotNet.Attributes;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Bench;

/// <summary>
/// The naive and the tiled convolution on shapes of R50-FPN. FPN_BENCH_DEVICE names the device; without it, the CPU.
/// </summary>
[MemoryDiagnoser]
public class ConvolutionBenchmarks
{
    private Device device = null!;
    private Tensor input = null!;
    private Tensor output = null!;
    private ConvolutionWeights packed = null!;
    private ConvolutionWeights plain = null!;

    /// <summary>Rows and columns, C, K, and the kernel's side.</summary>
    [Params("50×84 256→256 3×3", "100×168 512→128 1×1", "200×336 64→64 3×3")]
    public string Shape { get; set; } = "";

    private int Kernel => Shape.EndsWith("3×3", StringComparison.Ordinal) ? 3 : 1;

    /// <summary>Opens the device and uploads random values.</summary>
    [GlobalSetup]
    public void Setup()
    {
        int[] sizes = [.. Shape.Split('×', ' ', '→').Take(4).Select(int.Parse)];
        var (h, w, c, k) = (sizes[0], sizes[1], sizes[2], sizes[3]);
        var deviceName = Environment.GetEnvironmentVariable("FPN_BENCH_DEVICE") ?? "cpu";
        device = Device.Open(deviceName, new DeviceOptions { AllowAnyOpenCl = true });
        var geometry = new ConvolutionGeometry(Kernel, Kernel, c, k, ConvolutionWindow.Square(padding: Kernel / 2));
        var weights = Values(Kernel * Kernel * c * k);
        input = Tensor.Upload(device, new Shape(1, h, w, c), Values(h * w * c));
        output = Tensor.Rent(device, new Shape(1, h, w, k));
        packed = ConvolutionWeights.From(device, weights, Values(k), geometry);
        plain = ConvolutionWeights.From(device, weights, Values(k), geometry, ConvolutionForm.Naive);
    }

    /// <summary>Frees everything.</summary>
    [GlobalCleanup]
    public void Cleanup() => device.Dispose();

    /// <summary>One thread an output.</summary>
    [Benchmark(Baseline = true)]
    public void Naive()
    {
        Convolution.Run(device, input, plain, null, Activation.Relu, output);
        device.Synchronize();
    }

    /// <summary>The production kernel.</summary>
    [Benchmark]
    public void Tiled()
    {
        Convolution.Run(device, input, packed, null, Activation.Relu, output);
        device.Synchronize();
    }

    private static float[] Values(int count)
    {
        var random = new Random(count);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)];
    }
}
