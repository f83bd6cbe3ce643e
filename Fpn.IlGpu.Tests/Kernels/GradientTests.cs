using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Tests.Reference;
using Fpn.IlGpu.Verification;

namespace Fpn.IlGpu.Tests.Kernels;

/// <summary>
/// Gradients against central differences of the operators' nested loops, within 1e-3 of the largest. Sizes are unfriendly to
/// tiles and vectors, or zero, and results must be bitwise reproducible.
/// </summary>
internal sealed class GradientTests(string deviceId) : DeviceTests(deviceId)
{
    private const double Tolerance = 1e-3;

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

    [TestCase(1, 2, 1, 3, true)]
    [TestCase(2, 3, 5, 17, true)]
    [TestCase(1, 19, 15, 2, true)]
    [TestCase(2, 3, 5, 17, false)]
    public void Batch_norm_agrees_with_central_differences(int n, int h, int w, int c, bool live)
    {
        var shape = new Shape(n, h, w, c);
        var values = CaseValues.Uniform((int)shape.Length, 11, 1, 4);
        var (gammas, betas, weights) = (
            CaseValues.Uniform(c, 12, 0.5f, 2), CaseValues.Uniform(c, 13), CaseValues.Uniform(values.Length, 14));
        var (means, variances) = (CaseValues.Uniform(c, 15, 1, 3), CaseValues.Uniform(c, 16, 0.5f, 2));
        using var input = Tensor.Upload(Device, shape, values);
        using var outputGradient = Tensor.Upload(Device, shape, weights);
        using var gamma = Device.Upload<float>(gammas);
        using var beta = Device.Upload<float>(betas);
        using var mean = Device.Upload<float>(means);
        using var variance = Device.Upload<float>(variances);
        using var usedMean = Device.Rent<float>(c);
        using var usedFactor = Device.Rent<float>(c);
        using var output = Tensor.Rent(Device, shape);
        using var gammaGradient = Device.Rent<float>(c);
        using var betaGradient = Device.Rent<float>(c);
        var (affine, running) = (new BatchNorm.Affine(gamma.View, beta.View), new BatchNorm.Running(mean.View, variance.View));
        var used = new BatchNorm.Used(usedMean.View, usedFactor.View);
        if (live)
            BatchNorm.Live(Device, input, affine, running, 1e-5f, 0.1f, Activation.None, used, output);
        else
            BatchNorm.Frozen(Device, input, affine, running, 1e-5f, Activation.None, used, output);
        using var inputGradient = Tensor.Rent(Device, shape);
        BatchNormBackward.Run(
            Device, input, outputGradient, gamma.View, used, live, new BatchNorm.Affine(gammaGradient.View, betaGradient.View),
            inputGradient);
        Check(inputGradient.ToArray(), CentralDifferences.Of(values, 1e-4, x => Loss(x, Double(gammas), Double(betas))));
        Check(gammaGradient.Download(), CentralDifferences.Of(gammas, 1e-4, g => Loss(Double(values), g, Double(betas))));
        Check(betaGradient.Download(), CentralDifferences.Of(betas, 1e-4, b => Loss(Double(values), Double(gammas), b)));

        double Loss(double[] x, double[] g, double[] b)
        {
            var loss = 0.0;
            for (var k = 0; k < c; k++)
            {
                double[] own = [.. x.Where((_, i) => i % c == k)];
                var mu = live ? own.Average() : means[k];
                var sigma = Math.Sqrt((live ? own.Average(v => (v - mu) * (v - mu)) : variances[k]) + 1e-5);
                for (var i = 0; i < own.Length; i++)
                    loss += weights[i * c + k] * (g[k] * (own[i] - mu) / sigma + b[k]);
            }
            return loss;
        }
    }

    [TestCase(1, 2, 1, 4, 2)]
    [TestCase(2, 3, 5, 6, 3)]
    [TestCase(2, 5, 4, 17, 1)]
    [TestCase(1, 19, 15, 4, 2)]
    public void Group_norm(int n, int h, int w, int c, int groups)
    {
        var shape = new Shape(n, h, w, c);
        var values = CaseValues.Uniform((int)shape.Length, 11, 1, 4);
        var (gammas, betas, weights) = (
            CaseValues.Uniform(c, 12, 0.5f, 2), CaseValues.Uniform(c, 13), CaseValues.Uniform(values.Length, 14));
        using var input = Tensor.Upload(Device, shape, values);
        using var gradient = Tensor.Upload(Device, shape, weights);
        using var gamma = Device.Upload<float>(gammas);
        using var beta = Device.Upload<float>(betas);
        using var usedMean = Device.Rent<float>(n * c);
        using var usedFactor = Device.Rent<float>(n * c);
        using var output = Tensor.Rent(Device, shape);
        using var gammaGradient = Device.Rent<float>(c);
        using var betaGradient = Device.Rent<float>(c);
        var used = new BatchNorm.Used(usedMean.View, usedFactor.View);
        GroupNorm.Run(Device, input, gamma.View, beta.View, groups, 1e-5f, Activation.None, output, used);
        GroupNormBackward.Run(
            Device, input, gradient, gamma.View, groups, used, false, new GroupNorm.Affine(gammaGradient.View, betaGradient.View), gradient);
        Check(gradient.ToArray(), CentralDifferences.Of(values, 1e-4, x => Loss(x, Double(gammas), Double(betas))));
        Check(gammaGradient.Download(), CentralDifferences.Of(gammas, 1e-4, g => Loss(Double(values), g, Double(betas))));
        Check(betaGradient.Download(), CentralDifferences.Of(betas, 1e-4, b => Loss(Double(values), Double(gammas), b)));

        double Loss(double[] x, double[] g, double[] b)
        {
            var loss = 0.0;
            foreach (var own in Enumerable.Range(0, x.Length).GroupBy(i => (i / (h * w * c), i % c / (c / groups))))
            {
                var mu = own.Average(i => x[i]);
                var sigma = Math.Sqrt(own.Average(i => (x[i] - mu) * (x[i] - mu)) + 1e-5);
                loss += own.Sum(i => weights[i] * (g[i % c] * (x[i] - mu) / sigma + b[i % c]));
            }
            return loss;
        }
    }

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

    private static void Check(float[] actual, float[] expected)
        => Comparison.AssertClose(actual, expected, Tolerance * Math.Max(1e-3, expected.Max(MathF.Abs)), 0);

    /// <summary>Shuffled values, far enough apart that a step doesn't change which one is the largest.</summary>
    private static float[] Distinct(int count, int seed)
    {
        float[] values = [.. Enumerable.Range(0, count).Select(i => i * 0.01f)];
        new Random(seed).Shuffle(values);
        return values;
    }

    private static double[] Double(float[] values) => Array.ConvertAll(values, v => (double)v);

    private void WithRois(float[] boxes, int[] pictures, int live, Action<RoiList> use)
    {
        using var deviceBoxes = Device.Upload<Box>([.. boxes.Chunk(4).Select(b => new Box(b[0], b[1], b[2], b[3]))]);
        using var places = Device.Upload<RoiPlace>([.. pictures.Select(n => new RoiPlace(n, 0))]);
        using var count = Device.Upload<int>([live]);
        use(new RoiList(deviceBoxes.View, places.View, count.View));
    }

    private Tensor Zeros(Shape shape) => Tensor.Upload(Device, shape, new float[shape.Length]);
}
