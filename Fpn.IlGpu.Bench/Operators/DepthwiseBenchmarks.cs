using BenchmarkDotNet.Attributes;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Bench.Operators;

/// <summary>Operators that MobileNetV3 has and ResNet lacks, on MobileNetV3's maps of an 800 × 1344 input.</summary>
public class DepthwiseBenchmarks : OperatorBenchmark
{
    private Tensor map = null!;
    private Tensor gates = null!;
    private Tensor output = null!;
    private ConvolutionWeights weights = null!;

    /// <summary>Uploads random values.</summary>
    [GlobalSetup]
    public void Setup()
    {
        map = Random(1, 100, 168, 120);
        output = Random(1, 100, 168, 120);
        gates = Random(1, 1, 1, 120);
        var geometry = new ConvolutionGeometry(5, 5, 1, 120, ConvolutionWindow.Square(padding: 2, groups: 120));
        weights = Own(ConvolutionWeights.From(Device, LayerRun.Values(25 * 120), LayerRun.Values(120), geometry));
    }

    /// <summary>Convolves each channel by itself.</summary>
    [Benchmark(Description = "depthwise 5×5 100×168×120")]
    public void Depthwise()
    {
        Convolution.Run(Device, map, weights, null, Activation.HardSwish, output);
        Finish();
    }

    /// <summary>Squeeze: the mean of each channel.</summary>
    [Benchmark(Description = "global average pool 100×168×120")]
    public void AveragePool()
    {
        GlobalAveragePool.Run(Device, map, gates);
        Finish();
    }

    /// <summary>Excitation: multiplies each channel by its gate.</summary>
    [Benchmark(Description = "scale channels 100×168×120")]
    public void Scale()
    {
        ScaleChannels.Run(Device, map, gates, output);
        Finish();
    }
}
