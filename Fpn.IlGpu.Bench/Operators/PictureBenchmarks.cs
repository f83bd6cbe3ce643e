using BenchmarkDotNet.Attributes;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Bench.Operators;

/// <summary>Turns a picture of 1080 × 1800 px into the network's input.</summary>
public class PictureBenchmarks : OperatorBenchmark
{
    private static readonly ChannelScaling Channels = new(1f / 57, 1f / 57, 1f / 57, -2, -2, -2, 0);

    private static readonly ResizedPicture Picture = new(1080, 1800, 800, 1333);

    private DeviceArray<byte> pixels = null!;
    private Tensor input = null!;

    /// <summary>Uploads noise.</summary>
    [GlobalSetup]
    public void Setup()
    {
        pixels = Upload<byte>(BenchModel.Noise(new PictureSize(Picture.H, Picture.W)).Pixels);
        input = Random(1, 800, 1344, 3);
    }

    /// <summary>Resizes as torchvision does.</summary>
    [Benchmark(Description = "preprocess 1080×1800 to 800×1333")]
    public void Interpolate()
    {
        Preprocess.Run(Device, pixels.View, Picture, Channels, 0, input);
        Finish();
    }

    /// <summary>Resizes as Pillow does for Detectron2.</summary>
    [Benchmark(Description = "preprocess, antialiased")]
    public void Antialias()
    {
        AntialiasedPreprocess.Run(Device, pixels.View, Picture, Channels, 0, input);
        Finish();
    }
}
