using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Tests.Reference;

namespace Fpn.IlGpu.Tests.Kernels;

/// <summary>Gradients and the optimiser against values from PyTorch, recorded by Reference/fixtures/make_gradients.py.</summary>
internal sealed class GradientParityTests(string deviceId) : DeviceTests(deviceId)
{
    // Absolute, as a fraction of the largest magnitude, and relative.
    private const double Tolerance = 1e-4;

    [Test]
    public void Max_pool_agrees_with_PyTorch() => Each("maxpool", 7, f
    =>
    {
        using var input = Map(f, "input");
        using var gradient = Map(f, "gradient");
        var (kernel, stride, padding) = (f.Get<int>("kernel"), f.Get<int>("stride"), f.Get<int>("padding"));
        using var output = Tensor.Rent(Device, gradient.Shape);
        MaxPool.Run(Device, input, kernel, stride, padding, output);
        using var inputGradient = Zeros(input.Shape);
        MaxPoolBackward.Run(Device, input, output, gradient, kernel, stride, padding, inputGradient);
        Check(f, "d_input", inputGradient);
    });

    [Test]
    public void Nearest_upsampling_agrees_with_PyTorch() => Each("nearest", 6, f
    =>
    {
        using var gradient = Map(f, "gradient");
        var shape = f.Shape("input");
        using var inputGradient = Zeros(new Shape(shape.N, shape.H, shape.W, shape.C));
        UpsampleBackward.Run(Device, gradient, inputGradient);
        Check(f, "d_input", inputGradient);
    });

    [Test]
    public void Roi_align_agrees_with_PyTorch() => Each("roialign", 4, f => WithRois(f, rois
    =>
    {
        using var gradient = Map(f, "gradient");
        var shape = f.Shape("input");
        using var inputGradient = Zeros(new Shape(shape.N, shape.H, shape.W, shape.C));
        var (scale, samples, aligned) = (f.Get<float>("scale"), f.Get<int>("samples"), f.Get<bool>("aligned"));
        RoiAlignBackward.Run(Device, gradient, rois, 0, scale, samples, aligned, inputGradient);
        Check(f, "d_input", inputGradient);
        // No RoI belongs to level 1, so nothing is added.
        RoiAlignBackward.Run(Device, gradient, rois, 1, scale, samples, aligned, inputGradient);
        Check(f, "d_input", inputGradient);
    }));

    [Test]
    public void Roi_max_pool_agrees_with_PyTorch() => Each("roipool", 2, f => WithRois(f, rois
    =>
    {
        using var input = Map(f, "input");
        using var gradient = Map(f, "gradient");
        using var levels = Device.Upload<RoiLevel>([new RoiLevel(0, input.Shape.H, input.Shape.W, f.Get<float>("scale"))]);
        using var output = Tensor.Rent(Device, gradient.Shape);
        RoiMaxPool.Run(Device, levels.View, input.View, rois, output);
        using var inputGradient = Zeros(input.Shape);
        RoiMaxPoolBackward.Run(Device, input, output, gradient, rois, 0, f.Get<float>("scale"), inputGradient);
        Check(f, "d_input", inputGradient);
    }));

    [Test]
    public void Batch_norm_agrees_with_PyTorch() => Each("batchnorm", 4, f
    =>
    {
        using var input = Map(f, "input");
        using var gradient = Map(f, "gradient");
        var shape = input.Shape;
        using var gamma = Device.Upload<float>(f.Values("gamma"));
        using var beta = Device.Upload<float>(f.Values("beta"));
        using var mean = Device.Upload<float>(f.Values("mean"));
        using var variance = Device.Upload<float>(f.Values("variance"));
        using var usedMean = Device.Rent<float>(shape.C);
        using var usedFactor = Device.Rent<float>(shape.C);
        using var output = Tensor.Rent(Device, shape);
        var affine = new BatchNorm.Affine(gamma.View, beta.View);
        var running = new BatchNorm.Running(mean.View, variance.View);
        var used = new BatchNorm.Used(usedMean.View, usedFactor.View);
        var live = f.Get<bool>("live");
        var activation = f.Get<bool>("relu") ? Activation.Relu : Activation.None;
        if (live)
            BatchNorm.Live(Device, input, affine, running, 1e-5f, 0.1f, activation, used, output);
        else
            BatchNorm.Frozen(Device, input, affine, running, 1e-5f, activation, used, output);
        Check(f, "output", output);
        Check(f, "mean_after", mean.Download());
        Check(f, "variance_after", variance.Download());

        if (activation == Activation.Relu)
            ActivationBackward.Run(Device, Activation.Relu, gradient, output, gradient);
        using var gammaGradient = Device.Rent<float>(shape.C);
        using var betaGradient = Device.Rent<float>(shape.C);
        BatchNormBackward.Run(
            Device, input, gradient, gamma.View, used, live, new BatchNorm.Affine(gammaGradient.View, betaGradient.View), gradient);
        Check(f, "d_input", gradient);
        Check(f, "d_gamma", gammaGradient.Download());
        Check(f, "d_beta", betaGradient.Download());
    });

    [Test]
    public void Group_norm() => Each("groupnorm", 3, f
    =>
    {
        using var input = Map(f, "input");
        using var gradient = Map(f, "gradient");
        var shape = input.Shape;
        var groups = f.Get<int>("groups");
        using var gamma = Device.Upload<float>(f.Values("gamma"));
        using var beta = Device.Upload<float>(f.Values("beta"));
        using var usedMean = Device.Rent<float>(shape.N * shape.C);
        using var usedFactor = Device.Rent<float>(shape.N * shape.C);
        var used = new BatchNorm.Used(usedMean.View, usedFactor.View);
        using var output = Tensor.Rent(Device, shape);
        GroupNorm.Run(Device, input, gamma.View, beta.View, groups, 1e-5f, Activation.Relu, output, used);
        Check(f, "output", output);
        ActivationBackward.Run(Device, Activation.Relu, gradient, output, gradient);
        using var gammaGradient = Device.Rent<float>(shape.C);
        using var betaGradient = Device.Rent<float>(shape.C);
        GroupNormBackward.Run(
            Device, input, gradient, gamma.View, groups, used, false, new GroupNorm.Affine(gammaGradient.View, betaGradient.View), gradient);
        Check(f, "d_input", gradient);
        Check(f, "d_gamma", gammaGradient.Download());
        Check(f, "d_beta", betaGradient.Download());
    });

    [Test]
    public void Sigmoid() => Each("sigmoid", 1, f
    =>
    {
        using var output = Map(f, "output");
        using var gradient = Map(f, "gradient");
        ActivationBackward.Run(Device, Activation.Sigmoid, gradient, output, gradient);
        Check(f, "d_input", gradient);
    });

    /// <summary>On ordinary values, and at and beside the kinks.</summary>
    [Test]
    public void Activations() => Each("activation", 5, f
    =>
    {
        var activation = Enum.Parse<Activation>(f.Get<string>("activation"));
        using var input = Map(f, "input");
        using var output = Tensor.Rent(Device, input.Shape);
        Activate.Run(Device, input, activation, output);
        Check(f, "output", output);
        using var gradient = Map(f, "gradient");
        ActivationBackward.Run(Device, activation, gradient, ActivationBackward.NeedsInput(activation) ? input : output, gradient);
        Check(f, "d_input", gradient);
    });

    [Test]
    public void Softmax_cross_entropy_agrees_with_PyTorch() => Each("softmax_cross_entropy", 4, f
    =>
    {
        var extents = f.Extents("input");
        var shape = new Shape(extents[0], 1, 1, extents[1]);
        using var logits = Tensor.Upload(Device, shape, f.Values("input"));
        using var labels = Device.Upload<int>(f.Indices("labels"));
        using var weights = Device.Upload<float>(f.Values("weights"));
        using var losses = Device.Rent<float>(shape.N);
        using var gradient = Tensor.Rent(Device, shape);
        SoftmaxCrossEntropy.Run(Device, logits, labels.View, weights.View, 1f / f.Get<int>("count"), losses.View, gradient);
        CheckLoss(f, losses);
        Check(f, "d_input", gradient.ToArray());
    });

    [Test]
    public void Sigmoid_cross_entropy_agrees_with_PyTorch() => Each("sigmoid_cross_entropy", 1, f
    =>
    {
        using var logits = Device.Upload<float>(f.Values("input"));
        using var at = Device.Upload<int>(f.Indices("at"));
        using var targets = Device.Upload<float>(f.Values("targets"));
        using var losses = Device.Rent<float>(at.Length);
        using var gradient = Device.Upload<float>(new float[logits.Length]);
        SigmoidCrossEntropy.Run(Device, logits.View, at.View, targets.View, 1f / at.Length, losses.View, gradient.View);
        CheckLoss(f, losses);
        Check(f, "d_input", gradient.Download());
    });

    [Test]
    public void Smooth_l1_agrees_with_PyTorch() => Each("smooth_l1", 3, f
    =>
    {
        using var predictions = Device.Upload<float>(f.Values("input"));
        using var at = Device.Upload<int>(f.Indices("at"));
        using var targets = Device.Upload<float>(f.Values("targets"));
        using var losses = Device.Rent<float>(at.Length);
        using var gradient = Device.Upload<float>(new float[predictions.Length]);
        SmoothL1.Run(
            Device, predictions.View, at.View, targets.View, f.Get<float>("beta"), 1f / f.Get<int>("count"), losses.View, gradient.View);
        CheckLoss(f, losses);
        Check(f, "d_input", gradient.Download());
    });

    /// <summary>RetinaNetClassificationHead.compute_loss, of two pictures and two levels.</summary>
    [Test]
    public void Focal_loss() => Each("focal_loss", 2, f
    =>
    {
        int[] labels = f.Indices("labels"), pictures = f.Indices("pictures");
        int[] positives = [.. Enumerable.Range(0, 2).Select(n => labels.Where((label, i) => pictures[i] == n && label >= 0).Count())];
        using var logits = Device.Upload<float>(f.Values("input"));
        using var deviceLabels = Device.Upload<int>(labels);
        using var weights = Device.Upload<float>([.. pictures.Select(n => 0.5f / Math.Max(1, positives[n]))]);
        using var losses = Device.Rent<float>(FocalLoss.Parts(labels.Length));
        using var gradient = Device.Rent<float>(logits.Length);
        FocalLoss.Run(Device, logits.View, deviceLabels.View, weights.View, 0.25f, 2, losses.View, gradient.View);
        CheckLoss(f, losses);
        Check(f, "d_input", gradient.Download());
    });

    /// <summary>torchvision's maskrcnn_loss of masks that are given.</summary>
    [Test]
    public void Mask_loss() => Each("mask_loss", 2, f
    =>
    {
        using var logits = Map(f, "input");
        using var classIds = Device.Upload<int>(f.Indices("classes"));
        using var targets = Device.Upload<float>(f.Values("targets"));
        using var losses = Device.Rent<float>(logits.Shape.Pixels);
        using var gradient = Tensor.Rent(Device, logits.Shape);
        MaskLoss.Run(Device, logits, classIds.View, targets.View, 1f / logits.Shape.Pixels, losses.View, gradient);
        CheckLoss(f, losses);
        Check(f, "d_input", gradient);
    });

    [Test]
    public void Sgd_with_momentum_decay_and_clipping_agrees_with_PyTorch() => Each("sgd", 1, f
    =>
    {
        var settings = new SgdStep.Settings(f.Get<float>("rate"), f.Get<float>("momentum"), f.Get<float>("decay"), f.Get<float>("limit"));
        DeviceArray<float>[] weights = [Device.Upload<float>(f.Values("before0")), Device.Upload<float>(f.Values("before1"))];
        DeviceArray<float>[] velocities = [.. weights.Select(w => Device.Upload<float>(new float[w.Length]))];
        using var norm = Device.Rent<float>(1);
        for (var step = 0; step < 3; step++)
        {
            DeviceArray<float>[] gradients = [.. Enumerable.Range(0, 2).Select(i => Device.Upload<float>(f.Values($"gradient{step}{i}")))];
            Sum.Norm(Device, [.. gradients.Select(g => g.View)], norm.View);
            Check(f, $"norm{step}", norm.Download());
            for (var i = 0; i < 2; i++)
            {
                SgdStep.Run(Device, gradients[i].View, norm.View, settings, velocities[i].View, weights[i].View);
                Check(f, $"after{step}{i}", weights[i].Download());
            }
            foreach (var gradient in gradients)
                gradient.Dispose();
        }
        foreach (var array in weights.Concat(velocities))
            array.Dispose();
    });

    private static void Each(string operatorName, int cases, Action<Fixture> check)
    {
        List<Fixture> all = [.. Fixture.Of(operatorName, "gradients.safetensors")];
        Assert.That(all, Has.Count.EqualTo(cases));
        Assert.Multiple(() => all.ForEach(check));
    }

    private static void Check(Fixture f, string tensor, Tensor actual) => Check(f, tensor, actual.ToArray());

    private static void Check(Fixture f, string tensor, float[] actual)
        => f.Check(tensor, actual, Tolerance * f.Values(tensor).Max(MathF.Abs), Tolerance);

    private void CheckLoss(Fixture f, DeviceArray<float> losses)
    {
        using var total = Device.Rent<float>(1);
        Sum.Run(Device, losses.View, total.View);
        Check(f, "loss", total.Download());
    }

    private void WithRois(Fixture f, Action<RoiList> use)
    {
        Box[] boxes = [.. f.Values("rois").Chunk(4).Select(b => new Box(b[0], b[1], b[2], b[3]))];
        using var deviceBoxes = Device.Upload<Box>(boxes);
        using var places = Device.Upload<RoiPlace>([.. f.Indices("pictures").Select(n => new RoiPlace(n, 0))]);
        using var count = Device.Upload<int>([boxes.Length]);
        use(new RoiList(deviceBoxes.View, places.View, count.View));
    }

    private Tensor Map(Fixture f, string tensor)
    {
        var shape = f.Shape(tensor);
        return Tensor.Upload(Device, new Shape(shape.N, shape.H, shape.W, shape.C), f.Values(tensor));
    }

    private Tensor Zeros(Shape shape) => Tensor.Upload(Device, shape, new float[shape.Length]);
}
