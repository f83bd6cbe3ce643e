using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Tests.Reference;
using Fpn.IlGpu.Verification;

namespace Fpn.IlGpu.Tests.Kernels;

/// <summary>Softmax, sigmoid and preprocessing.</summary>
public sealed class PointwiseTests(string deviceId) : DeviceTests(deviceId)
{
    [TestCase(1, 1)]
    [TestCase(3, 5)]
    [TestCase(37, 91)]
    public void Softmax_agrees_with_nested_loops(int rows, int columns)
    {
        var values = CaseValues.Uniform(rows * columns, 1, -90, 90);
        using var tensor = Tensor.Upload(Device, new Shape(rows, 1, 1, columns), values);
        Softmax.Run(Device, tensor, tensor);
        Comparison.AssertClose(tensor.ToArray(), SoftmaxReference.Run(values, rows, columns), 1e-6, 1e-5, [rows, columns]);
    }

    [TestCase(1)]
    [TestCase(1003)]
    public void Sigmoid_agrees_with_nested_loops(int count)
    {
        var values = CaseValues.Uniform(count, 1, -100, 100);
        using var tensor = Tensor.Upload(Device, new Shape(1, 1, 1, count), values);
        using var output = Tensor.Rent(Device, tensor.Shape);
        Sigmoid.Run(Device, tensor, output);
        Comparison.AssertClose(output.ToArray(), SigmoidReference.Run(values), 1e-7, 1e-5);
    }

    [TestCase(1, 1, 32, 32, false)]
    [TestCase(1, 50, 1, 13, false)]
    [TestCase(31, 17, 64, 35, false)]
    [TestCase(40, 60, 20, 30, true)]
    [TestCase(7, 5, 32, 23, true)]
    public void Preprocessing_agrees_with_nested_loops(int h, int w, int resizedH, int resizedW, bool bgr)
    {
        const int N = 2;
        var (paddedH, paddedW) = (64, 64);
        float[] mean = [0.485f, 0.456f, 0.406f], std = [0.229f, 0.224f, 0.225f];
        var bytes = new byte[h * w * 3];
        new Random(1).NextBytes(bytes);
        using var pixels = Device.Upload<byte>(bytes);
        using var output = Tensor.Upload(Device, new Shape(N, paddedH, paddedW, 3), new float[N * paddedH * paddedW * 3]);
        var scaling = new ChannelScaling(
            1f / 255 / std[0], 1f / 255 / std[1], 1f / 255 / std[2], -mean[0] / std[0], -mean[1] / std[1], -mean[2] / std[2], bgr ? 1 : 0);
        Preprocess.Run(Device, pixels.View, new ResizedPicture(h, w, resizedH, resizedW), scaling, n: 1, output);

        var normalised = NormaliseReference.Run([.. bytes.Select(b => (float)b)], 1f / 255, mean, std, bgr);
        var resized = BilinearResizeReference.Run(normalised, new Shape4(1, h, w, 3), resizedH, resizedW);
        var (padded, small) = (new Shape4(N, paddedH, paddedW, 3), new Shape4(1, resizedH, resizedW, 3));
        var expected = new float[padded.Count];
        foreach (var (_, y, x, c) in small.Elements())
            expected[padded.At(1, y, x, c)] = resized[small.At(0, y, x, c)];
        Comparison.AssertClose(output.ToArray(), expected, 2e-5, 1e-5, [N, paddedH, paddedW, 3]);
    }

    // What Detectron2's ResizeShortestEdge.get_output_shape returns for a shorter side of 800 and a longer side of at most 1333.
    [TestCase(480, 640, 800, 1067)]
    [TestCase(427, 640, 800, 1199)]
    [TestCase(333, 500, 800, 1201)]
    [TestCase(375, 500, 800, 1067)]
    [TestCase(200, 500, 533, 1333)]
    [TestCase(640, 426, 1202, 800)]
    [TestCase(1, 1000, 1, 1333)]
    public void Rounded_sizes_agree_with_Detectron2(int h, int w, int resizedH, int resizedW)
        => Assert.That(ResizedSize.Of(h, w, 800, 1333, rounds: true), Is.EqualTo((resizedH, resizedW)));

    [Test]
    public void Resized_sizes_agree_with_torchvision()
    {
        for (var h = 1; h < 700; h += 13)
        {
            for (var w = 1; w < 700; w += 17)
                Assert.That(ResizedSize.Of(h, w, 800, 1333), Is.EqualTo(BilinearResizeReference.OutputSize(h, w, 800, 1333)));
        }
        Assert.That(ResizedSize.Of(500, 200, 320, 640), Is.EqualTo((640, 256)));
    }
}
