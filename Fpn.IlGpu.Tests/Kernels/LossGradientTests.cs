using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Verification;

namespace Fpn.IlGpu.Tests.Kernels;

/// <summary>Gradients of the losses, and the sums that a step needs.</summary>
internal sealed class LossGradientTests(string deviceId) : OperatorGradientTests(deviceId)
{
    [TestCase(1, 1)]
    [TestCase(7, 5)]
    [TestCase(11, 91)]
    public void Softmax_cross_entropy_agrees_with_central_differences(int rows, int classes)
    {
        var values = CaseValues.Uniform(rows * classes, 17, -3, 3);
        int[] labels = [.. Enumerable.Range(0, rows).Select(m => m % 4 == 3 ? -1 : m * 7 % classes)];
        var weights = CaseValues.Uniform(rows, 18, 0, 2);
        using var logits = Tensor.Upload(Device, new Shape(rows, 1, 1, classes), values);
        using var deviceLabels = Device.Upload<int>(labels);
        using var deviceWeights = Device.Upload<float>(weights);
        using var losses = Device.Rent<float>(rows);
        using var gradient = Tensor.Rent(Device, logits.Shape);
        SoftmaxCrossEntropy.Run(Device, logits, deviceLabels.View, deviceWeights.View, 0.25f, losses.View, gradient);
        Check(gradient.ToArray(), CentralDifferences.Of(values, 1e-4, Loss));
        Assert.That(losses.Download().Sum(), Is.EqualTo(Loss(Double(values))).Within(1e-4).Percent);

        double Loss(double[] x) => Enumerable.Range(0, rows).Where(m => labels[m] >= 0).Sum(m =>
        {
            var row = x.AsSpan(m * classes, classes).ToArray();
            return 0.25 * weights[m] * (Math.Log(row.Sum(Math.Exp)) - row[labels[m]]);
        });
    }

    [TestCase(1, 1, 2)]
    [TestCase(13, 5, 0)]
    [TestCase(23, 19, 2)]
    public void Focal_loss(int anchors, int classes, float gamma)
    {
        var values = CaseValues.Uniform(anchors * classes, 17, -3, 3);
        int[] labels = [.. Enumerable.Range(0, anchors).Select(a => a % 4 == 3 ? -1 : a % 5 == 3 ? -2 : a * 7 % classes)];
        var weights = CaseValues.Uniform(anchors, 18, 0, 2);
        using var logits = Device.Upload<float>(values);
        using var deviceLabels = Device.Upload<int>(labels);
        using var deviceWeights = Device.Upload<float>(weights);
        using var losses = Device.Rent<float>(FocalLoss.Parts(anchors));
        using var gradient = Device.Rent<float>(values.Length);
        FocalLoss.Run(Device, logits.View, deviceLabels.View, deviceWeights.View, 0.25f, gamma, losses.View, gradient.View);
        Check(gradient.Download(), CentralDifferences.Of(values, 1e-4, Loss));
        Assert.That(losses.Download().Sum(), Is.EqualTo(Loss(Double(values))).Within(1e-3).Percent);

        double Loss(double[] x) => Enumerable.Range(0, x.Length).Where(i => labels[i / classes] > -2).Sum(i =>
        {
            var p = 1 / (1 + Math.Exp(-x[i]));
            return weights[i / classes] * (labels[i / classes] == i % classes
                ? -0.25 * Math.Pow(1 - p, gamma) * Math.Log(p)
                : -0.75 * Math.Pow(p, gamma) * Math.Log(1 - p));
        });
    }

    /// <summary>Neither logits that are sure and wrong nor logits that are sure and right overflow.</summary>
    [Test]
    public void Focal_loss_of_extreme_logits_is_finite()
    {
        float[] values = [.. Enumerable.Range(0, 32).Select(i => i % 2 == 0 ? 1e4f : -1e4f)];
        using var logits = Device.Upload<float>(values);
        using var labels = Device.Upload<int>([0, 1]);
        using var weights = Device.Upload<float>([1f, 1f]);
        using var losses = Device.Rent<float>(FocalLoss.Parts(2));
        using var gradient = Device.Rent<float>(32);
        FocalLoss.Run(Device, logits.View, labels.View, weights.View, 0.25f, 2, losses.View, gradient.View);
        // Of class 0, seven wrong answers; of class 1, eight wrong ones and the class itself.
        Assert.That(losses.Download().Sum(), Is.EqualTo((0.75f * 15 + 0.25f) * 1e4f).Within(1e-4).Percent);
        float[] expected = [.. values.Select((v, i) => i == 0 ? 0 : i == 17 ? -0.25f : v > 0 ? 0.75f : 0)];
        Check(gradient.Download(), expected);
    }

    [TestCase(1, 1, 1)]
    [TestCase(4, 3, 5)]
    public void Mask_loss(int rois, int side, int classes)
    {
        var shape = new Shape(rois, side, 4 * side, classes);
        var values = CaseValues.Uniform((int)shape.Length, 17, -3, 3);
        int[] classIds = [.. Enumerable.Range(0, rois).Select(d => d % 3 == 2 ? -1 : d * 7 % classes)];
        float[] targets = [.. CaseValues.Uniform(shape.Pixels, 18).Select(v => v < 0 ? 0f : 1f)];
        using var logits = Tensor.Upload(Device, shape, values);
        using var deviceIds = Device.Upload<int>(classIds);
        using var deviceTargets = Device.Upload<float>(targets);
        using var losses = Device.Rent<float>(shape.Pixels);
        using var gradient = Tensor.Upload(Device, shape, CaseValues.Unwritten(values.Length));
        MaskLoss.Run(Device, logits, deviceIds.View, deviceTargets.View, 0.5f, losses.View, gradient);
        Check(gradient.ToArray(), CentralDifferences.Of(values, 1e-4, Loss));
        Assert.That(losses.Download().Sum(), Is.EqualTo(Loss(Double(values))).Within(1e-3).Percent);

        double Loss(double[] x) => new Shape4(rois, 2 * side, 2 * side, 1).Elements().Where(e => classIds[e.N] >= 0).Sum(e =>
        {
            var pixel = (e.N * side * side + e.Y / 2 * side + e.X / 2) * 4 + e.Y % 2 * 2 + e.X % 2;
            var p = 1 / (1 + Math.Exp(-x[pixel * classes + classIds[e.N]]));
            return -0.5 * Math.Log(targets[(e.N * 2 * side + e.Y) * 2 * side + e.X] > 0 ? p : 1 - p);
        });
    }

    [TestCase(1)]
    [TestCase(1030)]
    public void Losses_of_samples_agree_with_central_differences(int samples)
    {
        var values = CaseValues.Uniform(4 * samples, 19, -3, 3);
        // Every third sample, in reverse order.
        int[] at = [.. Enumerable.Range(0, samples).Where(s => s % 3 == 0).Reverse()];
        var targets = CaseValues.Uniform(4 * at.Length, 20, 0, 1);
        using var predictions = Device.Upload<float>(values);
        using var each = Device.Upload<int>(at);
        using var first = Device.Upload<int>([.. at.Select(s => 4 * s)]);
        using var deviceTargets = Device.Upload<float>(targets);
        using var losses = Device.Rent<float>(at.Length);
        using var gradient = Device.Upload<float>(new float[values.Length]);

        SmoothL1.Run(Device, predictions.View, first.View, deviceTargets.View, 1f / 9, 0.5f, losses.View, gradient.View);
        Check(gradient.Download(), Differences(SmoothL1Of, 4));

        Fill.Run(Device, 0, gradient.View);
        SigmoidCrossEntropy.Run(
            Device, predictions.View, each.View, deviceTargets.View.SubView(0, at.Length), 0.5f, losses.View, gradient.View);
        Check(gradient.Download(), Differences(CrossEntropyOf, 1));

        static double SmoothL1Of(double x, double t) => Math.Abs(x - t) < 1d / 9 ? 4.5 * (x - t) * (x - t) : Math.Abs(x - t) - 1d / 18;

        static double CrossEntropyOf(double x, double t)
            => -t * Math.Log(1 / (1 + Math.Exp(-x))) - (1 - t) * Math.Log(1 - 1 / (1 + Math.Exp(-x)));

        // Each value affects only its own sample's loss.
        float[] Differences(Func<double, double, double> loss, int width)
        {
            var result = new float[values.Length];
            for (var i = 0; i < at.Length * width; i++)
            {
                var place = at[i / width] * width + i % width;
                result[place] = CentralDifferences.Of([values[place]], 1e-4, x => 0.5 * loss(x[0], targets[i]))[0];
            }
            return result;
        }
    }

    [TestCase(1)]
    [TestCase(1023)]
    [TestCase(700_001)]
    public void Sums_and_norms_agree_with_those_in_double_precision(int length)
    {
        var values = CaseValues.Uniform(length, 21, -1, 2);
        using var array = Device.Upload<float>(values);
        using var small = Device.Upload<float>([3f, 4f]);
        using var result = Device.Rent<float>(1);
        Sum.Run(Device, array.View, result.View);
        Assert.That(result.Download()[0], Is.EqualTo(values.Sum(v => (double)v)).Within(1e-3).Percent);
        Sum.Norm(Device, [array.View, small.View], result.View);
        Assert.That(result.Download()[0], Is.EqualTo(Math.Sqrt(values.Sum(v => (double)v * v) + 25)).Within(1e-3).Percent);
        Accumulate.Run(Device, array.View, array.View);
        Assert.That(array.Download(), Is.EqualTo(values.Select(v => v + v)));
        Fill.Run(Device, 7, array.View);
        Assert.That(array.Download(), Is.All.EqualTo(7f));
    }
}
