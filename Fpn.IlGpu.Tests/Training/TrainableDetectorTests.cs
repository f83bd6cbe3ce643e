using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Tests.Reference;
using Fpn.IlGpu.Training;
using Fpn.IlGpu.Verification;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Training;

/// <summary>The whole detector on a tape: against the inference network, PyTorch's gradients, and central differences.</summary>
internal sealed class TrainableDetectorTests(string deviceId) : ModelTests(deviceId)
{
    [TestCase("frozen", 2, NormTraining.Frozen)]
    [TestCase("live", 0, NormTraining.Live)]
    public void Losses_and_gradients_agree_with_pytorch(string name, int frozenStages, NormTraining norms)
    {
        using var reference = new DetectorCase(name);
        using var network = reference.Load(Device, frozenStages, norms);
        var losses = reference.Run(Device, network, backward: true);
        Assert.Multiple(() =>
        {
            Assert.That(losses.Keys, Is.EquivalentTo(reference.Names("loss.")));
            foreach (var (loss, value) in losses)
                Assert.That(value, Is.EqualTo(reference.Values("loss." + loss)[0]).Within(1e-2).Percent, loss);
            Assert.That(network.Parameters.Trained.Select(p => p.Name), Is.EquivalentTo(reference.Names("gradient.")));
            foreach (var parameter in network.Parameters.Trained)
            {
                var expected = reference.Values("gradient." + parameter.Name);
                Comparison.AssertClose(
                    parameter.GradientToArray(), expected, 1e-4 * expected.Max(MathF.Abs), 1e-4, what: parameter.Name);
            }
            foreach (var statistics in reference.Names("after."))
            {
                var after = network.Parameters.All.Single(p => p.Name == statistics).ToTensor().ToArray();
                Comparison.AssertClose(after, reference.Values("after." + statistics), 1e-5, 1e-4, what: statistics);
            }
        });
    }

    [TestCase("frozen", 0, NormTraining.Frozen)]
    [TestCase("frozen", 3, NormTraining.Affine)]
    // Through the statistics of a few pixels, losses curve too soon for the precision of a float: the backbone is left out.
    [TestCase("live", 0, NormTraining.Live, "backbone.body")]
    public void Gradients_agree_with_central_differences(string name, int frozenStages, NormTraining norms, string except = "none")
    {
        // Losses change most along the gradient, where rounding matters least.
        using var reference = new DetectorCase(name);
        using var network = reference.Load(Device, frozenStages, norms);
        reference.Run(Device, network, backward: true);
        List<Parameter> trained = [.. network.Parameters.Trained.Where(p => !p.Name.StartsWith(except, StringComparison.Ordinal))];
        var gradients = trained.ConvertAll(p => p.GradientToArray());
        var values = trained.ConvertAll(p => p.ToTensor().ToArray());
        var length = Math.Sqrt(gradients.Sum(g => g.Sum(v => (double)v * v)));
        // Small enough for the losses' curvature, large enough for their precision.
        var distance = (float)(5e-3 / length);
        var change = (LossAt(distance) - LossAt(-distance)) / (2 * distance);
        Assert.That(change, Is.EqualTo(length).Within(0.1).Percent);

        double LossAt(float way)
        {
            foreach (var (i, parameter) in trained.Index())
            {
                float[] moved = [.. values[i].Zip(gradients[i], (v, g) => (float)(v + way * g / length))];
                parameter.Restore(moved, new float[moved.Length]);
            }
            // Counts as a step, so that weights are packed again.
            network.Parameters.Changed();
            return reference.Run(Device, network, backward: false).Values.Sum(v => (double)v);
        }
    }

    [Test]
    public void Training_is_bitwise_reproducible()
    {
        using var reference = new DetectorCase("live");
        using var one = reference.Load(Device, 0, NormTraining.Live);
        using var other = reference.Load(Device, 0, NormTraining.Live);
        foreach (var network in new[] { one, other })
        {
            for (var step = 0; step < 3; step++)
            {
                reference.Run(Device, network, backward: true);
                network.Parameters.Step(new SgdStep.Settings(0.01f, 0.9f, 1e-4f, NormLimit: 5));
            }
        }
        foreach (var (a, b) in one.Parameters.All.Zip(other.Parameters.All))
            Assert.That(a.ToTensor().ToArray(), Is.EqualTo(b.ToTensor().ToArray()), a.Name);
    }

    [TestCase("frozen", 2, NormTraining.Frozen)]
    [TestCase("live", 0, NormTraining.Live)]
    public void Losses_after_each_step_agree_with_PyTorch(string name, int frozenStages, NormTraining norms)
    {
        using var reference = new DetectorCase(name);
        using var network = reference.Load(Device, frozenStages, norms);
        var before = reference.Run(Device, network, backward: true).Values.Sum();
        var expected = reference.Values("course");
        var course = new float[expected.Length];
        for (var step = 0; step < course.Length; step++)
        {
            network.Parameters.Step(new SgdStep.Settings(0.01f, 0.9f, 1e-3f, NormLimit: 2));
            course[step] = reference.Run(Device, network, backward: true).Values.Sum();
        }
        Comparison.AssertClose(course, expected, 0, 1e-3);
        Assert.That(course[^1], Is.LessThan(before));
        Assert.That(network.Parameters.All.SelectMany(p => p.ToTensor().ToArray()), Has.All.Matches<float>(float.IsFinite));
    }

    [Test]
    public void A_step_returns_all_of_its_memory()
    {
        using var reference = new DetectorCase("live");
        using var network = reference.Load(Device, 0, NormTraining.Live);
        reference.Run(Device, network, backward: true);
        reference.Run(Device, network, backward: true);
        var before = Device.Memory.Allocations;
        for (var step = 0; step < 3; step++)
            reference.Run(Device, network, backward: true);
        Assert.That(Device.Memory.Allocations, Is.EqualTo(before));
    }

    [Test]
    public void Outputs_agree_with_the_inference_network()
    {
        using var state = ShippedModel.Open();
        using var detector = (FasterRcnn)Detector.Load(Device, state);
        using var network = new TrainableDetector(Device, state, frozenStages: 2, NormTraining.Frozen);
        using var scope = Device.Memory.BeginPicture();
        using var tape = new Tape(Device);
        var shape = new Shape(2, 96, 160, 3);
        var values = CaseValues.Uniform((int)shape.Length, 1, -2, 2);
        var maps = network.Pyramid(tape, Tensor.Upload(Device, shape, values));
        var rpn = network.Rpn(tape, maps);
        using var input = Tensor.Upload(Device, shape, values);
        using var pyramid = detector.Pyramid.Run(detector.Backbone.Run(input));
        using var expected = detector.Rpn.Head.Run(pyramid);
        for (var l = 0; l < pyramid.Count; l++)
        {
            Compare(maps.Levels[l], pyramid[l], $"level {l}");
            Compare(rpn.Objectness.Levels[l], expected.Objectness[l], $"objectness {l}");
            Compare(rpn.Deltas.Levels[l], expected.Deltas[l], $"deltas {l}");
        }
        var boxes = CaseValues.Boxes(20, 2, 160, 96).Chunk(4).Select(b => new Box(b[0], b[1], b[2], b[3])).ToArray();
        int[] pictures = [.. Enumerable.Range(0, 20).Select(r => r / 10)];
        using var rois = new RoiSet(Device, 2, 10);
        rois.Boxes.Upload(boxes);
        rois.Pictures.Upload(pictures);
        rois.Total.Upload([20]);
        var settings = RoiSettings.Of(network.Configuration);
        using var pooled = RoiFeatures.Pool(Device, pyramid, detector.Pyramid.MergedLevels, rois, shape.H, detector.BoxHead.Bins, settings);
        using var features = detector.BoxHead.Features(pooled, rois.Total.View);
        using var predictions = detector.BoxHead.Predict(features, rois.Total.View);
        using var regions = network.Regions(maps, boxes, pictures, shape.H);
        var predicted = network.Boxes(tape, maps, regions);
        Compare(predicted.Logits, predictions.Logits, "logits");
        Compare(predicted.Deltas, predictions.Deltas, "deltas");
    }

    [Test]
    public void A_trained_network_loads_as_a_detector()
    {
        using var reference = new DetectorCase("live");
        using var network = reference.Load(Device, 0, NormTraining.Live);
        reference.Run(Device, network, backward: true);
        network.Parameters.Step(new SgdStep.Settings(0.01f, 0.9f, 1e-4f));
        var path = Path.Combine(TestContext.CurrentContext.WorkDirectory, $"trained-{Guid.NewGuid():N}.safetensors");
        try
        {
            using (var trained = network.ToState())
                SafetensorsWriter.Write(path, [.. trained.Tensors.Values], DataType.F32, trained.Metadata);
            using var detector = (FasterRcnn)Detector.Load(Device, path);
            Assert.That(detector.Weights.Unused, Is.Empty);
            Assert.That(detector.Configuration.AnchorSizes[0], Is.EqualTo(new[] { 16f }));
            using var read = Safetensors.Open(path);
            foreach (var parameter in network.Parameters.All)
                Assert.That(read[parameter.Name].ToArray(), Is.EqualTo(parameter.ToTensor().ToArray()), parameter.Name);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static void Compare(Variable actual, Tensor expected, string what)
    {
        var values = expected.ToArray();
        Comparison.AssertClose(actual.Value.ToArray(), values, 1e-5 * values.Max(MathF.Abs), 1e-5, what: what);
    }
}
