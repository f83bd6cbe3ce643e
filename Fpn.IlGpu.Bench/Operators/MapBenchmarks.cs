using BenchmarkDotNet.Attributes;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Bench.Operators;

/// <summary>Operators on the backbone's and the pyramid's maps of an 800 × 1344 input.</summary>
public class MapBenchmarks : OperatorBenchmark
{
    private Tensor stem = null!;
    private Tensor pooled = null!;
    private Tensor fine = null!;
    private Tensor coarse = null!;
    private Tensor output = null!;
    private DeviceArray<float> ones = null!;

    /// <summary>Uploads random values.</summary>
    [GlobalSetup]
    public void Setup()
    {
        stem = Random(1, 400, 672, 64);
        pooled = Random(1, 200, 336, 64);
        fine = Random(1, 200, 336, 256);
        coarse = Random(1, 100, 168, 256);
        output = Random(1, 200, 336, 256);
        ones = Upload<float>([.. Enumerable.Repeat(1f, 256)]);
    }

    /// <summary>The max pool after the stem.</summary>
    [Benchmark(Description = "max pool 3×3/2 400×672×64")]
    public void Pool()
    {
        MaxPool.Run(Device, stem, 3, 2, 1, pooled);
        Finish();
    }

    /// <summary>The pyramid's top-down pathway at its finest level.</summary>
    [Benchmark(Description = "upsample and merge 200×336×256")]
    public void Merge()
    {
        UpsampleMerge.Run(Device, fine, coarse, output);
        Finish();
    }

    /// <summary>The group norm of heads that were trained with it.</summary>
    [Benchmark(Description = "group norm, 32 groups, 200×336×256")]
    public void Normalise()
    {
        GroupNorm.Run(Device, fine, ones.View, ones.View, 32, 1e-5f, Activation.Relu, output);
        Finish();
    }

    /// <summary>RetinaNet's scores, here at the size of the RPN's finest level.</summary>
    [Benchmark(Description = "sigmoid 200×336×64")]
    public void Probabilities()
    {
        Sigmoid.Run(Device, pooled, pooled);
        Finish();
    }
}
