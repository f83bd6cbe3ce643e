using BenchmarkDotNet.Attributes;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Bench.Operators;

/// <summary>Selects proposals and detections of an 800 × 1344 input.</summary>
public class SelectionBenchmarks : OperatorBenchmark
{
    private const int Levels = 5;
    private const int K = 1000;

    private DeviceArray<float> objectness = null!;
    private DeviceArray<Segment> segments = null!;
    private DeviceArray<int> indices = null!;
    private DeviceArray<int> counts = null!;
    private DeviceArray<Box> boxes = null!;
    private DeviceArray<float> scores = null!;
    private Tensor logits = null!;
    private int longest;

    /// <summary>Uploads random scores and boxes.</summary>
    [GlobalSetup]
    public void Setup()
    {
        int[] lengths = [.. new[] { (200, 336), (100, 168), (50, 84), (25, 42), (13, 21) }.Select(size => 3 * size.Item1 * size.Item2)];
        longest = lengths[0];
        objectness = Upload<float>(LayerRun.Values(lengths.Sum()));
        segments = Upload<Segment>([.. lengths.Select((length, l) => new Segment(lengths[..l].Sum(), length, 1))]);
        indices = Own(Device.Rent<int>(Levels * K));
        counts = Upload<int>([.. lengths.Select(length => Math.Min(length, K))]);
        boxes = Upload<Box>(Boxes(Levels * K, 800, 1333));
        scores = Own(Device.Rent<float>(Levels * K));
        logits = Random(K, 1, 1, 91);
    }

    /// <summary>Selects the top 1000 of each level's anchors.</summary>
    [Benchmark(Description = "top 1000 of 5 levels, 268 000 anchors")]
    public void Top()
    {
        TopK.Run(Device, objectness.View, segments.View, longest, K, float.NegativeInfinity, indices.View, counts.View);
        Finish();
    }

    /// <summary>
    /// NMS over each level's proposals. NMS makes the scores of suppressed boxes negative, so positive ones are uploaded
    /// first.
    /// </summary>
    [Benchmark(Description = "NMS, 5 levels of 1000")]
    public void Suppress()
    {
        scores.Upload(PositiveScores);
        NonMaximumSuppression.Run(Device, boxes.View, counts.View, scores.View, K, 0.7f);
        Finish();
    }

    /// <summary>Softmax of the box head's logits.</summary>
    [Benchmark(Description = "softmax, 1000 × 91")]
    public void Probabilities()
    {
        Softmax.Run(Device, logits, logits);
        Finish();
    }

    private static float[] PositiveScores { get; } = [.. Enumerable.Repeat(0.5f, Levels * K)];
}
