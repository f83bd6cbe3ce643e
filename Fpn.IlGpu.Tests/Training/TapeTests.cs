using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Tests.Kernels;
using Fpn.IlGpu.Tests.Reference;
using Fpn.IlGpu.Training;
using Fpn.IlGpu.Verification;

namespace Fpn.IlGpu.Tests.Training;

/// <summary>Operations of the tape that the whole detector doesn't use, and when memory is released.</summary>
internal sealed class TapeTests(string deviceId) : DeviceTests(deviceId)
{
    private static readonly Shape[] Shapes = [new(1, 8, 12, 3), new(1, 4, 6, 3)];

    [Test]
    public void Roi_max_pooling_and_the_merge_agree_with_central_differences()
    {
        // Distinct, so that a small change does not make another value the largest.
        float[] values = [.. Enumerable.Range(0, Shapes.Sum(s => (int)s.Length)).Select(i => i * 0.01f)];
        new Random(1).Shuffle(values);
        var targets = CaseValues.Uniform(4 * 3 * 3 * 3, 2, 2, 3);
        var settings = new RoiSettings(0, Aligned: false, new RoiLevelRule(224, 4, 1e-6f), IsMaxPool: true);
        var (_, actual) = Run(Device, values);
        // The differences are the CPU's: an interpreted device takes ten times as long.
        var cpu = TestDevices.Open("cpu");
        var expected = CentralDifferences.Of(values, 2e-3, x =>
        {
            lock (cpu.Lock)
                return Run(cpu, Array.ConvertAll(x, v => (float)v)).Loss;
        });
        Comparison.AssertClose(actual, expected, 1e-3 * expected.Max(MathF.Abs), 1e-3);

        (double Loss, float[] Gradients) Run(Device device, float[] maps)
        {
            using var scope = device.Memory.BeginPicture();
            using var tape = new Tape(device);
            var first = (int)Shapes[0].Length;
            var fine = Leaf(tape, Shapes[0], maps.AsSpan(0, first));
            var coarse = Leaf(tape, Shapes[1], maps.AsSpan(first));
            using var merged = tape.UpsampleAdd(fine, coarse);
            var pyramid = tape.NewMaps(finest: 2, Shapes);
            pyramid[2] = tape.MaxPool(merged, 1, 1, 0, pyramid.Memory(2));
            pyramid[3] = tape.MaxPool(coarse, 1, 1, 0, pyramid.Memory(3));
            // Two sizes, and therefore two levels.
            Box[] boxes = [new(1, 2, 9, 14), new(-20, -10, 290, 300), new(3, 3, 3, 3), new(10, 4, 47, 30)];
            using var rois = RoiSet.Of(device, boxes, new int[4]);
            var pooled = RoiFeatures.Pool(
                tape, pyramid, levels: 2, rois, inputH: 32, bins: 3, settings);
            int[] at = [.. Enumerable.Range(0, targets.Length / 4).Select(i => 4 * i)];
            var losses = new LossSet(tape);
            losses.SmoothL1("distance", pooled, at, targets, beta: 100, scale: 1);
            tape.Backward();
            return (losses.Read()["distance"], [.. fine.Gradient!.ToArray(), .. coarse.Gradient!.ToArray()]);
        }
    }

    [Test]
    public void Operations_on_untrained_values_are_not_recorded()
    {
        using var tape = new Tape(Device);
        var x = tape.New(Tensor.Upload(Device, Shapes[0], new float[Shapes[0].Length]));
        using var pooled = tape.MaxPool(x, 3, 2, 1);
        Assert.That(pooled.NeedsGradient, Is.False);
        x.Dispose();
        Assert.That(() => x.Value, Throws.TypeOf<ObjectDisposedException>(), "nothing holds it any more");
    }

    [TestCase(float.NaN, 1, "a weight of 'head.fc'")]
    [TestCase(1e38f, 1, "in the forward pass, in the output of 'head.fc'")]
    [TestCase(1, float.NaN, "in the backward pass, in the gradients of 'head.fc'")]
    public void A_value_that_is_not_finite_is_traced_to_its_layer(float weight, float lossScale, string where)
    {
        float[] weights = [.. Enumerable.Repeat(1f, 11), weight];
        using var state = new StateDictionary(
            "test", [StateTensor.FromValues("head.fc.weight", [3, 4], weights), StateTensor.FromValues("head.fc.bias", [3], new float[3])]);
        // The weight reader refuses NaN, so the weights are set after reading.
        using var fine = new StateDictionary(
            "test",
            [StateTensor.FromValues("head.fc.weight", [3, 4], new float[12]), StateTensor.FromValues("head.fc.bias", [3], new float[3])]);
        using var layers = new LayerSet();
        var layer = new FullyConnectedLayer(layers, "head.fc", inputC: 4, side: 1, outputC: 3, Activation.None);
        layers.Load(Device, new WeightReader(fine, 1e-5f), new TrainingPlan(NormTraining.Live, Frozen: []));
        var parameters = layers.Parameters!;
        parameters.All[0].Restore(state["head.fc.weight"].ToArray(), new float[12]);
        parameters.Changed();
        Assert.That(() => Step(isWatched: false), Throws.Nothing);
        parameters.DropGradients();
        Assert.That(() => Step(isWatched: true), Throws.TypeOf<NotFiniteException>().With.Message.EqualTo(where));

        void Step(bool isWatched)
        {
            using var tape = new Tape(Device, isWatched);
            using var rows = Device.Upload<int>([2]);
            var x = tape.New(Tensor.Upload(Device, new Shape(2, 1, 1, 4), [1, 2, 3, 40, 5, 6, 7, 80]));
            var logits = layer.Run(tape, x, rows.View);
            new LossSet(tape).SoftmaxCrossEntropy("loss", logits, [0, 1], lossScale);
            tape.Backward();
        }
    }

    [Test]
    public void Values_are_held_until_their_gradients_are_computed()
    {
        using var tape = new Tape(Device);
        var x = Leaf(tape, Shapes[0], new float[Shapes[0].Length]);
        var pooled = tape.MaxPool(x, 3, 2, 1);
        x.Dispose();
        Assert.That(() => x.Value, Throws.Nothing, "the tape holds it");
        int[] at = [0, 4, 8];
        new LossSet(tape).SmoothL1("loss", pooled, at, new float[12], 1, 1);
        tape.Backward();
        Assert.That(() => x.Value, Throws.TypeOf<ObjectDisposedException>());
        Assert.That(x.Gradient, Is.Not.Null);
        x.TakeGradient()!.Dispose();
    }

    [TestCase(Activation.Relu)]
    [TestCase(Activation.Sigmoid)]
    [TestCase(Activation.HardSigmoid)]
    [TestCase(Activation.HardSwish)]
    [TestCase(Activation.Silu)]
    public void Sums_scaled_channels_and_their_activations_agree_with_central_differences(Activation activation)
    {
        var shape = new Shape(2, 3, 2, 5);
        var length = (int)shape.Length;
        float[] values = [.. CaseValues.Uniform(2 * length, 5, -4, 4), .. CaseValues.Uniform(10, 6, -1, 1)];
        var targets = CaseValues.Uniform(length, 7, -0.1f, 0.1f);
        var (_, actual) = Run(Device, values);
        // The differences are the CPU's: an interpreted device takes ten times as long.
        var cpu = TestDevices.Open("cpu");
        var expected = CentralDifferences.Of(values, 2e-3, x =>
        {
            lock (cpu.Lock)
                return Run(cpu, Array.ConvertAll(x, v => (float)v)).Loss;
        });
        Comparison.AssertClose(actual, expected, 1e-3 * expected.Max(MathF.Abs), 1e-3);

        (double Loss, float[] Gradients) Run(Device device, float[] all)
        {
            using var scope = device.Memory.BeginPicture();
            using var tape = new Tape(device);
            var a = Leaf(tape, shape, all.AsSpan(0, length));
            var b = Leaf(tape, shape, all.AsSpan(length, length));
            var factors = Leaf(tape, new Shape(2, 1, 1, 5), all.AsSpan(2 * length));
            var sum = tape.Add(a, b, activation);
            var scaled = tape.ScaleChannels(tape.Activate(sum, activation), factors);
            var losses = new LossSet(tape);
            losses.SmoothL1("distance", scaled, [.. Enumerable.Range(0, length / 4).Select(i => 4 * i)], targets, beta: 100, scale: 1);
            tape.Backward();
            return (losses.Read()["distance"], [.. a.Gradient!.ToArray(), .. b.Gradient!.ToArray(), .. factors.Gradient!.ToArray()]);
        }
    }

    private static Variable Leaf(Tape tape, Shape shape, ReadOnlySpan<float> values)
    {
        var leaf = tape.New(Tensor.Upload(tape.Device, shape, values));
        leaf.NeedsGradient = true;
        return leaf;
    }
}
