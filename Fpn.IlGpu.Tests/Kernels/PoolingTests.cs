using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Verification;

namespace Fpn.IlGpu.Tests.Kernels;

/// <summary>Max pooling (with a 1×1 window also the subsampling to P6), upsampling and the merge.</summary>
public sealed class PoolingTests(string deviceId) : DeviceTests(deviceId)
{
    [TestCase(1, 1, 1, 1, 3, 2, 1)]
    [TestCase(2, 7, 9, 3, 3, 2, 1)]
    [TestCase(1, 10, 11, 91, 2, 2, 0)]
    [TestCase(1, 13, 5, 64, 3, 1, 1)]
    [TestCase(1, 6, 6, 5, 5, 3, 2)]
    public void Max_pool_agrees_with_nested_loops(int n, int h, int w, int c, int kernel, int stride, int padding)
    {
        var shape = new Shape4(n, h, w, c);
        // All below zero, so that padding with zeros would show.
        var values = CaseValues.Uniform(shape.Count, 1, -3, -1);
        using var input = Tensor.Upload(Device, new Shape(n, h, w, c), values);
        using var output = Tensor.Rent(Device, MaxPool.OutputShape(input.Shape, kernel, stride, padding));
        MaxPool.Run(Device, input, kernel, stride, padding, output);
        var expected = MaxPool2dReference.Run(values, shape, (kernel, kernel), (stride, stride), (padding, padding));
        Assert.That(output.ToArray(), Is.EqualTo(expected));
    }

    [TestCase(1, 1, 1, 3)]
    [TestCase(2, 5, 8, 91)]
    [TestCase(1, 10, 7, 256)]
    public void A_1x1_window_with_stride_2_subsamples_as_P6_needs(int n, int h, int w, int c)
    {
        var shape = new Shape4(n, h, w, c);
        var values = CaseValues.Uniform(shape.Count, 2);
        using var input = Tensor.Upload(Device, new Shape(n, h, w, c), values);
        using var output = Tensor.Rent(Device, MaxPool.OutputShape(input.Shape, 1, 2, 0));
        MaxPool.Run(Device, input, 1, 2, 0, output);
        Assert.That(output.ToArray(), Is.EqualTo(SubsampleReference.Run(values, shape)));
    }

    [TestCase(1, 1, 1, 5, 7, 3)]
    [TestCase(2, 3, 4, 6, 8, 91)]
    [TestCase(1, 5, 9, 9, 17, 64)]
    [TestCase(1, 10, 10, 7, 3, 5)]
    [TestCase(1, 13, 21, 25, 42, 8)]
    public void Upsampling_and_merge_agree_with_nested_loops(int n, int topH, int topW, int h, int w, int c)
    {
        var (topShape, shape) = (new Shape4(n, topH, topW, c), new Shape4(n, h, w, c));
        var (top, lateral) = (CaseValues.Uniform(topShape.Count, 3), CaseValues.Uniform(shape.Count, 4));
        using var deviceTop = Tensor.Upload(Device, new Shape(n, topH, topW, c), top);
        using var deviceLateral = Tensor.Upload(Device, new Shape(n, h, w, c), lateral);
        using var output = Tensor.Rent(Device, new Shape(n, h, w, c));

        UpsampleMerge.Upsample(Device, deviceTop, output);
        var upsampled = NearestUpsampleReference.Run(top, topShape, h, w);
        Assert.That(output.ToArray(), Is.EqualTo(upsampled));

        var merged = MergeReference.Run(top, topShape, lateral, shape);
        UpsampleMerge.Run(Device, deviceLateral, deviceTop, output);
        Assert.That(output.ToArray(), Is.EqualTo(merged));

        using var sameSize = Tensor.Upload(Device, output.Shape, upsampled);
        UpsampleMerge.Merge(Device, deviceLateral, sameSize, output);
        Assert.That(output.ToArray(), Is.EqualTo(merged));

        UpsampleMerge.Run(Device, deviceLateral, deviceTop, deviceLateral);
        Assert.That(deviceLateral.ToArray(), Is.EqualTo(merged), "in place");
    }

    [Test]
    public void Shapes_that_do_not_fit_are_refused()
    {
        using var a = Tensor.Rent(Device, new Shape(1, 4, 4, 3));
        using var b = Tensor.Rent(Device, new Shape(1, 2, 2, 4));
        Assert.That(() => UpsampleMerge.Run(Device, a, b, a), Throws.ArgumentException);
        Assert.That(() => UpsampleMerge.Merge(Device, a, b, a), Throws.ArgumentException);
        Assert.That(() => MaxPool.Run(Device, a, 3, 2, 1, b), Throws.ArgumentException.With.Message.Contains("[1, 2, 2, 3]"));
        Assert.That(() => MaxPool.Run(Device, a, 1, 1, 1, a), Throws.ArgumentException);
    }
}
