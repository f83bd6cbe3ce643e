using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Tests.Reference;
using Fpn.IlGpu.Verification;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Training;

/// <summary>The whole detector on a tape: against the inference network, PyTorch's gradients, and central differences.</summary>
internal sealed class DetectorTrainingTests(string deviceId) : ModelTests(deviceId)
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
    public void Outputs_on_a_tape_that_records_agree_with_inference()
    {
        using var state = ShippedModel.Open();
        using var detector = (FasterRcnn)Detector.Load(Device, state);
        using var trained = (FasterRcnn)Detector.Load(
            Device, state, new TrainingPlan(NormTraining.Frozen, [.. detector.Backbone.Parts.Take(2)]));
        using var scope = Device.Memory.BeginPicture();
        using var tape = new Tape(Device);
        using var inference = Tape.ForInference(Device);
        var shape = new Shape(2, 96, 160, 3);
        using var input = Tensor.Upload(Device, shape, CaseValues.Uniform((int)shape.Length, 1, -2, 2));
        var boxes = CaseValues.Boxes(20, 2, 160, 96).Chunk(4).Select(b => new Box(b[0], b[1], b[2], b[3])).ToArray();
        int[] pictures = [.. Enumerable.Range(0, 20).Select(r => r / 10)];
        var actual = TrainedOutputs.Of(tape, trained, input, boxes, pictures);
        var expected = TrainedOutputs.Of(inference, detector, input, boxes, pictures);
        foreach (var ((name, values), (_, wanted)) in actual.Values().Zip(expected.Values()))
            Comparison.AssertClose(values, wanted, 1e-5 * wanted.Max(MathF.Abs), 1e-5, what: name);
    }

    [TestCase(NormTraining.Live)]
    [TestCase(NormTraining.Affine)]
    [TestCase(NormTraining.Frozen)]
    public void A_trained_network_detects_the_same_in_place_as_from_its_file(NormTraining norms)
    {
        using var reference = new DetectorCase("live");
        using var network = reference.Load(Device, 0, norms);
        for (var step = 0; step < 2; step++)
        {
            reference.Run(Device, network, backward: true);
            network.Parameters.Step(new SgdStep.Settings(0.01f, 0.9f, 1e-4f, NormLimit: 5));
        }
        using var state = network.ToState();
        using var loaded = Detector.Load(Device, state);
        var pixels = new byte[160 * 120 * 3];
        new Random(1).NextBytes(pixels);
        var picture = new RgbImage(160, 120, pixels);
        (network.ScoreThreshold, loaded.ScoreThreshold) = (0.05f, 0.05f);
        var expected = loaded.Detect(picture);
        Assert.That(expected, Is.Not.Empty);
        if (Device.Info.Kind == DeviceKind.Cpu)
            Assert.That(network.Detect(picture), Is.EqualTo(expected));
        else
            Assert.That(network.Detect(picture).Select(o => o.Score), Is.EqualTo(expected.Select(o => o.Score)).Within(1e-3));
        // A step after an evaluation uses the batch's statistics again.
        Assert.That(reference.Run(Device, network, backward: false).Values.Sum(), Is.GreaterThan(0));
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
}
