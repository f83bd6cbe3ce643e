using BenchmarkDotNet.Attributes;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Bench.Operators;

/// <summary>Extracts the features of 1000 RoIs from the four levels of an 800 × 1344 input.</summary>
public class RoiBenchmarks : OperatorBenchmark
{
    private const int Rois = 1000;
    private const int Bins = 7;
    private const int C = 256;

    private FeatureMaps pyramid = null!;
    private DeviceArray<RoiLevel> levels = null!;
    private RoiList rois;
    private DeviceArray<Box> boxes = null!;
    private DeviceArray<int> pictures = null!;
    private DeviceArray<RoiPlace> places = null!;
    private DeviceArray<int> count = null!;
    private Tensor output = null!;

    /// <summary>Uploads boxes, and maps of zeros.</summary>
    [GlobalSetup]
    public void Setup()
    {
        Shape[] shapes = [new(1, 200, 336, C), new(1, 100, 168, C), new(1, 50, 84, C), new(1, 25, 42, C)];
        pyramid = Own(new FeatureMaps(Device, finest: 2, shapes));
        pyramid.Values.Upload(new float[shapes.Sum(shape => shape.Length)]);
        levels = Upload<RoiLevel>([.. shapes.Select((s, l) => new RoiLevel(pyramid.Offset(l), s.H, s.W, 1f / (4 << l)))]);
        boxes = Upload<Box>(Boxes(Rois, 800, 1333));
        pictures = Upload<int>(new int[Rois]);
        places = Upload<RoiPlace>(new RoiPlace[Rois]);
        count = Upload<int>(Rois);
        rois = new RoiList(boxes.View, places.View, count.View);
        output = Random(Rois, Bins, Bins, C);
        AssignLevels();
    }

    /// <summary>Assigns RoIs to levels by the paper's equation 1.</summary>
    [Benchmark(Description = "RoI levels, 1000")]
    public void AssignLevels()
    {
        RoiLevels.Run(Device, boxes.View, pictures.View, count.View, new RoiLevels.Range(2, 5, new RoiLevelRule(224, 4, 1e-6f)), places.View);
        Finish();
    }

    /// <summary>RoIAlign, with 2 × 2 samples per bin.</summary>
    [Benchmark(Description = "RoIAlign, 1000 of 7×7×256")]
    public void Align()
    {
        RoiAlign.Run(Device, levels.View, pyramid.Values.View, rois, 2, aligned: false, output);
        Finish();
    }

    /// <summary>RoI max pooling, as in the Fast R-CNN paper.</summary>
    [Benchmark(Description = "RoI max pool, 1000 of 7×7×256")]
    public void MaxPool()
    {
        RoiMaxPool.Run(Device, levels.View, pyramid.Values.View, rois, output);
        Finish();
    }
}
