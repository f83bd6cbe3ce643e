using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Verification;

namespace Fpn.IlGpu.Tests.Kernels;

/// <summary>Gradients of RoIAlign and RoI max pooling.</summary>
internal sealed class RoiGradientTests(string deviceId) : OperatorGradientTests(deviceId)
{
    [Test]
    public void Roi_align_agrees_with_central_differences([Values(0, 2)] int samples, [Values] bool aligned, [Values(3, 17)] int channels)
    {
        var shape = new Shape4(2, 9, 11, channels);
        var boxes = CaseValues.Boxes(7, 7, 44, 36);
        var weights = CaseValues.Uniform(7 * 9 * channels, 8);
        int[] pictures = [0, 1, 1, 0, 1, 0, 0];
        using var outputGradient = Tensor.Upload(Device, new Shape(7, 3, 3, channels), weights);
        using var gradient = Zeros(new Shape(2, 9, 11, channels));
        WithRois(boxes, pictures, 7, rois => RoiAlignBackward.Run(Device, outputGradient, rois, 0, 0.25f, samples, aligned, gradient));
        Check(gradient.ToArray(), CentralDifferences.Of(CaseValues.Uniform(shape.Count, 9), 1, weights, x =>
            RoiAlignReference.Run(x, boxes, pictures, shape, 0.25f, (3, 3), samples, aligned)));
    }

    [TestCase(3)]
    [TestCase(17)]
    public void Roi_max_pool_agrees_with_central_differences(int channels)
    {
        var shape = new Shape4(2, 9, 11, channels);
        var (values, boxes) = (Distinct(shape.Count, 10), CaseValues.Boxes(7, 7, 44, 36));
        var weights = CaseValues.Uniform(7 * 9 * channels, 8);
        int[] pictures = [0, 1, 1, 0, 1, 0, 0];
        using var input = Tensor.Upload(Device, new Shape(2, 9, 11, channels), values);
        using var levels = Device.Upload<RoiLevel>([new RoiLevel(0, 9, 11, 0.25f)]);
        using var output = Tensor.Rent(Device, new Shape(7, 3, 3, channels));
        using var outputGradient = Tensor.Upload(Device, output.Shape, weights);
        using var gradient = Zeros(input.Shape);
        WithRois(boxes, pictures, 7, rois =>
        {
            RoiMaxPool.Run(Device, levels.View, input.View, rois, output);
            RoiMaxPoolBackward.Run(Device, input, output, outputGradient, rois, 0, 0.25f, gradient);
        });
        Check(gradient.ToArray(), CentralDifferences.Of(values, 1e-3, weights, x =>
            RoiMaxPoolReference.Run(x, boxes, pictures, shape, 0.25f, (3, 3))));
    }

    [TestCase(0)]
    [TestCase(3)]
    public void Rois_beyond_the_count_have_no_gradient(int live)
    {
        var shape = new Shape4(2, 9, 11, 5);
        var boxes = CaseValues.Boxes(7, 7, 44, 36);
        int[] pictures = [0, 1, 1, 0, 1, 0, 0];
        var weights = CaseValues.Uniform(7 * 9 * 5, 8);
        // Values beyond the count may be anything.
        weights.AsSpan(live * 45).Fill(float.NaN);
        using var outputGradient = Tensor.Upload(Device, new Shape(7, 3, 3, 5), weights);
        using var gradient = Zeros(new Shape(2, 9, 11, 5));
        WithRois(boxes, pictures, live, rois => RoiAlignBackward.Run(Device, outputGradient, rois, 0, 0.25f, 2, false, gradient));
        var kept = weights[..(live * 45)];
        Check(gradient.ToArray(), CentralDifferences.Of(CaseValues.Uniform(shape.Count, 9), 1, kept, x =>
            RoiAlignReference.Run(x, boxes[..(4 * live)], pictures[..live], shape, 0.25f, (3, 3), 2, false)));
    }

    [Test]
    public void An_empty_list_of_rois_leaves_the_gradient_unchanged()
    {
        using var nothing = Tensor.Rent(Device, new Shape(0, 7, 7, 3));
        using var gradient = Tensor.Upload(Device, new Shape(1, 5, 5, 3), CaseValues.Uniform(75, 1));
        WithRois([], [], 0, rois => RoiAlignBackward.Run(Device, nothing, rois, 0, 0.25f, 2, false, gradient));
        WithRois([], [], 0, rois => RoiMaxPoolBackward.Run(Device, gradient, nothing, nothing, rois, 0, 0.25f, gradient));
        Assert.That(gradient.ToArray(), Is.EqualTo(CaseValues.Uniform(75, 1)));
    }

    [Test]
    public void Gradients_are_bitwise_reproducible()
    {
        var boxes = CaseValues.Boxes(200, 22, 160, 120);
        int[] pictures = [.. Enumerable.Range(0, 200).Select(r => r % 2)];
        using var outputGradient = Tensor.Upload(Device, new Shape(200, 7, 7, 19), CaseValues.Uniform(200 * 49 * 19, 23));
        using var gradient = Tensor.Rent(Device, new Shape(2, 30, 40, 19));
        float[]? before = null;
        for (var i = 0; i < 3; i++)
        {
            Fill.Run(Device, 0, gradient.View);
            WithRois(boxes, pictures, 200, rois => RoiAlignBackward.Run(Device, outputGradient, rois, 0, 0.25f, 0, false, gradient));
            var now = gradient.ToArray();
            Assert.That(now, Is.EqualTo(before ?? now));
            before = now;
        }
    }
}
