using BenchmarkDotNet.Attributes;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Bench.Operators;

/// <summary>Pastes the masks of 100 objects into an 800 × 1333 picture, including the copy to the host.</summary>
public class MaskBenchmarks : OperatorBenchmark
{
    private const int Objects = 100;
    private const int Side = 28;

    private Tensor probabilities = null!;
    private MaskTarget[] targets = [];

    /// <summary>Uploads random masks.</summary>
    [GlobalSetup]
    public void Setup()
    {
        probabilities = Random(Objects, Side, Side, 1);
        targets = [.. Boxes(Objects, 800, 1333).Select(box => new MaskTarget(box, 1333, 800))];
    }

    /// <summary>Pastes as torchvision does.</summary>
    [Benchmark(Description = "mask paste, 100 into 800×1333")]
    public ObjectMask[] Paste() => ObjectMasks.Paste(Device, probabilities.View, Side, targets, 0.1f, roundBox: true);
}
