using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
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
        var (_, actual) = Run(values);
        var expected = CentralDifferences.Of(values, 2e-3, x =>
        {
            lock (Device.Lock)
                return Run(Array.ConvertAll(x, v => (float)v)).Loss;
        });
        Comparison.AssertClose(actual, expected, 1e-3 * expected.Max(MathF.Abs), 1e-3);

        (double Loss, float[] Gradients) Run(float[] maps)
        {
            using var scope = Device.Memory.BeginPicture();
            using var tape = new Tape(Device);
            var first = (int)Shapes[0].Length;
            var fine = Leaf(tape, Shapes[0], maps.AsSpan(0, first));
            var coarse = Leaf(tape, Shapes[1], maps.AsSpan(first));
            using var merged = tape.UpsampleAdd(fine, coarse);
            var pyramid = tape.Maps(Shapes, (l, into) => tape.MaxPool(l == 0 ? merged : coarse, 1, 1, 0, into));
            // Two sizes, and therefore two levels.
            Box[] boxes = [new(1, 2, 9, 14), new(-20, -10, 290, 300), new(3, 3, 3, 3), new(10, 4, 47, 30)];
            using var regions = new Regions(Device, boxes, new int[4], pyramid.Values, 2, inputH: 32, levelEpsilon: 1e-6f);
            var pooled = tape.RoiMaxPool(pyramid, regions, bins: 3);
            int[] at = [.. Enumerable.Range(0, targets.Length / 4).Select(i => 4 * i)];
            tape.SmoothL1("distance", pooled, at, targets, beta: 100, scale: 1);
            tape.Backward();
            return (tape.ReadLosses()["distance"], [.. fine.Gradient!.ToArray(), .. coarse.Gradient!.ToArray()]);
        }
    }

    [Test]
    public void Operations_on_untrained_values_are_not_recorded()
    {
        using var tape = new Tape(Device);
        var x = tape.Input(Tensor.Upload(Device, Shapes[0], new float[Shapes[0].Length]));
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
        using var parameters = new ParameterSet(Device, new WeightReader(Device, fine, 1e-5f));
        using var layer = TrainableLinear.Read(parameters, "head.fc", 4, 1, new LayerTraining(IsTrained: true, NormTraining.Live, 1e-5f));
        parameters.All[0].Restore(state["head.fc.weight"].ToArray(), new float[12]);
        parameters.Changed();
        Assert.That(() => Step(isWatched: false), Throws.Nothing);
        parameters.DropGradients();
        Assert.That(() => Step(isWatched: true), Throws.TypeOf<NotFiniteException>().With.Message.EqualTo(where));

        void Step(bool isWatched)
        {
            using var tape = new Tape(Device, isWatched);
            var x = tape.Input(Tensor.Upload(Device, new Shape(2, 1, 1, 4), [1, 2, 3, 40, 5, 6, 7, 80]));
            var logits = tape.Linear(x, layer, Activation.None);
            tape.SoftmaxCrossEntropy("loss", logits, [0, 1], lossScale);
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
        tape.SmoothL1("loss", pooled, at, new float[12], 1, 1);
        tape.Backward();
        Assert.That(() => x.Value, Throws.TypeOf<ObjectDisposedException>());
        Assert.That(x.Gradient, Is.Not.Null);
        x.TakeGradient()!.Dispose();
    }

    [Test]
    public void Activations_without_a_gradient_are_refused()
    {
        using var tape = new Tape(Device);
        var x = Leaf(tape, Shapes[0], new float[Shapes[0].Length]);
        Assert.That(() => tape.Add(x, x, Activation.HardSwish), Throws.ArgumentException);
    }

    private Variable Leaf(Tape tape, Shape shape, ReadOnlySpan<float> values)
    {
        var leaf = tape.Input(Tensor.Upload(Device, shape, values));
        leaf.NeedsGradient = true;
        return leaf;
    }
}
