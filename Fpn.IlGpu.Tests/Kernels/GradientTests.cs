using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Verification;

namespace Fpn.IlGpu.Tests.Kernels;

/// <summary>Gradients of activations, pooling, scaling and upsampling, and the shapes that gradients refuse.</summary>
internal sealed class GradientTests(string deviceId) : OperatorGradientTests(deviceId)
{
    [Test]
    public void Activations([Values] Activation activation)
    {
        var shape = new Shape(1, 3, 5, 17);
        // Far enough from each kink for a difference not to cross it.
        float[] values = [.. CaseValues.Uniform((int)shape.Length, 1, -8, 8)
            .Select(v => MathF.Abs(v - 3 * MathF.Round(v / 3)) > 0.01f ? v : v + 0.02f)];
        var weights = CaseValues.Uniform(values.Length, 2);
        using var input = Tensor.Upload(Device, shape, values);
        using var output = Tensor.Rent(Device, shape);
        Activate.Run(Device, input, activation, output);
        using var gradient = Tensor.Upload(Device, shape, weights);
        var kept = ActivationBackward.NeedsInput(activation) ? input : output;
        ActivationBackward.Run(Device, activation, gradient, kept, gradient);
        var differences = CentralDifferences.Of(values, 1e-3, x => x.Zip(weights, (v, w) => w * ActivationReference.Of(v, activation)).Sum());
        Check(gradient.ToArray(), differences);
    }

    [TestCase(1, 1, 1, 3, 3, 2, 1)]
    [TestCase(2, 7, 5, 3, 3, 2, 1)]
    [TestCase(1, 5, 6, 17, 2, 2, 0)]
    [TestCase(1, 6, 3, 5, 3, 1, 1)]
    [TestCase(1, 5, 7, 3, 1, 2, 0)]
    public void Max_pool_agrees_with_central_differences(int n, int h, int w, int c, int kernel, int stride, int padding)
    {
        var shape = new Shape(n, h, w, c);
        var values = Distinct((int)shape.Length, 3);
        using var input = Tensor.Upload(Device, shape, values);
        using var output = Tensor.Rent(Device, MaxPool.OutputShape(shape, kernel, stride, padding));
        MaxPool.Run(Device, input, kernel, stride, padding, output);
        var weights = CaseValues.Uniform((int)output.Shape.Length, 4);
        using var outputGradient = Tensor.Upload(Device, output.Shape, weights);
        using var gradient = Zeros(shape);
        MaxPoolBackward.Run(Device, input, output, outputGradient, kernel, stride, padding, gradient);
        Check(gradient.ToArray(), CentralDifferences.Of(values, 1e-3, weights, x =>
            MaxPool2dReference.Run(x, new Shape4(n, h, w, c), (kernel, kernel), (stride, stride), (padding, padding))));
        // The gradient is added to what the buffer holds.
        MaxPoolBackward.Run(Device, input, output, outputGradient, kernel, stride, padding, gradient);
        Assert.That(gradient.ToArray().Sum(), Is.EqualTo(2 * weights.Sum()).Within(1e-3));
    }

    [TestCase(1, 1, 1, 3)]
    [TestCase(3, 7, 5, 17)]
    [TestCase(2, 4, 9, 40)]
    public void Global_average_pool_agrees_with_central_differences(int n, int h, int w, int c)
    {
        var shape = new Shape(n, h, w, c);
        var values = CaseValues.Uniform((int)shape.Length, 7);
        var weights = CaseValues.Uniform(n * c, 8);
        using var outputGradient = Tensor.Upload(Device, new Shape(n, 1, 1, c), weights);
        using var gradient = Zeros(shape);
        GlobalAveragePoolBackward.Run(Device, outputGradient, gradient);
        Check(gradient.ToArray(), CentralDifferences.Of(values, 1e-2, x =>
            Enumerable.Range(0, n * c).Sum(i => weights[i] * Enumerable.Range(0, h * w).Average(p => x[(i / c * h * w + p) * c + i % c]))));
        // The gradient is added to what the buffer holds.
        GlobalAveragePoolBackward.Run(Device, outputGradient, gradient);
        Assert.That(gradient.ToArray().Sum(), Is.EqualTo(2 * weights.Sum()).Within(1e-3));
        using var other = Zeros(new Shape(n, 1, 1, c + 1));
        Assert.That(() => GlobalAveragePoolBackward.Run(Device, other, gradient), Throws.ArgumentException);
    }

    [TestCase(1, 1, 1, 3)]
    [TestCase(3, 7, 5, 17)]
    [TestCase(2, 9, 8, 40)]
    public void Scaled_channels(int n, int h, int w, int c)
    {
        var shape = new Shape(n, h, w, c);
        var (values, factors) = (CaseValues.Uniform((int)shape.Length, 7), CaseValues.Uniform(n * c, 8, 0, 1));
        var weights = CaseValues.Uniform(values.Length, 9);
        using var input = Tensor.Upload(Device, shape, values);
        using var gates = Tensor.Upload(Device, new Shape(n, 1, 1, c), factors);
        using var outputGradient = Tensor.Upload(Device, shape, weights);
        using var gradient = Zeros(shape);
        using var gatesGradient = Zeros(gates.Shape);
        ScaleChannelsBackward.Run(Device, outputGradient, input, gates, true, gradient, true, gatesGradient);
        Check(gradient.ToArray(), CentralDifferences.Of(values, 1e-2, x => Loss(x, Double(factors))));
        Check(gatesGradient.ToArray(), CentralDifferences.Of(factors, 1e-2, g => Loss(Double(values), g)));
        using var other = Zeros(new Shape(n, 1, 1, c + 1));
        Assert.That(
            () => ScaleChannelsBackward.Run(Device, outputGradient, input, other, true, gradient, true, gatesGradient),
            Throws.ArgumentException);

        double Loss(double[] x, double[] g) => x.Select((v, i) => weights[i] * v * g[i / (h * w * c) * c + i % c]).Sum();
    }

    [TestCase(1, 1, 1, 5, 7, 3)]
    [TestCase(2, 3, 4, 6, 8, 17)]
    [TestCase(1, 5, 7, 3, 11, 3)]
    [TestCase(1, 3, 5, 7, 9, 5)]
    public void Upsampling_agrees_with_central_differences(int n, int topH, int topW, int h, int w, int c)
    {
        var top = new Shape(n, topH, topW, c);
        var weights = CaseValues.Uniform(n * h * w * c, 5);
        using var outputGradient = Tensor.Upload(Device, new Shape(n, h, w, c), weights);
        using var gradient = Zeros(top);
        UpsampleBackward.Run(Device, outputGradient, gradient);
        Check(gradient.ToArray(), CentralDifferences.Of(CaseValues.Uniform((int)top.Length, 6), 1, weights, x =>
            NearestUpsampleReference.Run(x, new Shape4(n, topH, topW, c), h, w)));
    }

    [Test]
    public void Shapes_that_do_not_fit_are_refused()
    {
        using var a = Tensor.Rent(Device, new Shape(2, 4, 4, 3));
        using var b = Tensor.Rent(Device, new Shape(2, 2, 2, 4));
        using var flat = Device.Rent<float>(4);
        using var none = Device.Rent<int>(3);
        Assert.Multiple(() =>
        {
            Assert.That(() => ActivationBackward.Run(Device, Activation.Silu, a, b, a), Throws.ArgumentException);
            Assert.That(() => MaxPoolBackward.Run(Device, a, b, b, 2, 2, 0, a), Throws.ArgumentException);
            Assert.That(() => UpsampleBackward.Run(Device, a, b), Throws.ArgumentException);
            Assert.That(() => Accumulate.Run(Device, a.View, b.View), Throws.ArgumentException);
            Assert.That(() => SoftmaxCrossEntropy.Run(Device, a, none.View, flat.View, 1, flat.View, a), Throws.ArgumentException);
            Assert.That(
                () => SigmoidCrossEntropy.Run(Device, a.View, none.View, flat.View, 1, flat.View, a.View), Throws.ArgumentException);
            Assert.That(() => SmoothL1.Run(Device, a.View, none.View, flat.View, 1, 1, flat.View, a.View), Throws.ArgumentException);
            Assert.That(
                () => FocalLoss.Run(Device, a.View, none.View, flat.View, 0.25f, 2, flat.View, a.View), Throws.ArgumentException);
            Assert.That(() => MaskLoss.Run(Device, a, none.View, flat.View, 1, flat.View, a), Throws.ArgumentException);
            Assert.That(() => SgdStep.Run(Device, flat.View, flat.View, default, a.View, a.View), Throws.ArgumentException);
            WithRois([], [], 0, rois => Assert.That(
                () => RoiAlignBackward.Run(Device, b, rois, 0, 1, 2, false, a), Throws.ArgumentException));
        });
    }
}
