using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Tests.Reference;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Training;

/// <summary>
/// Parts of networks with few channels: their outputs and all their gradients agree with PyTorch's, with batch norms in training mode
/// (see the script in fixtures/).
/// </summary>
internal sealed class BlockGradientTests(string deviceId) : DeviceTests(deviceId)
{
    private delegate IEnumerable<Variable> Part(Tape tape, IReadOnlyList<Variable> inputs);

    [Test]
    public void A_grouped_bottleneck() => Check("grouped", (layers, weights, _) =>
    {
        var channels = 12;
        var layout = BlockLayout.ReadStage(weights, "b", ref channels, stride: 2, strideInFirst: false)[0];
        Assert.That(layout.ChannelGroups, Is.EqualTo(4));
        var block = new ResidualBlock(layers, "b0", 12, layout, stride: 2);
        return (tape, inputs) => [block.Run(tape, inputs[0])];
    });

    [TestCase("mobile", 1, Activation.HardSwish)]
    [TestCase("mobile-stride", 2, Activation.Relu)]
    public void MobileNets_block(string name, int stride, Activation activation) => Check(name, (layers, weights, _) =>
    {
        var style = new InvertedResidualStyle(activation, Activation.Relu, Activation.HardSigmoid);
        var block = new InvertedResidual(
            layers, "b0.block", 8, InvertedResidualLayout.Read(weights, "b0.block"), stride, style);
        return (tape, inputs) => [block.Run(tape, inputs[0])];
    });

    [Test]
    public void EfficientNets_block() => Check("efficient", (layers, weights, _) =>
    {
        var style = new InvertedResidualStyle(Activation.Silu, Activation.Silu, Activation.Sigmoid);
        var block = new InvertedResidual(
            layers, "b0.block", 8, InvertedResidualLayout.Read(weights, "b0.block"), stride: 1, style);
        return (tape, inputs) => [block.Run(tape, inputs[0])];
    });

    [TestCase("pyramid", ExtraLevelsKind.ConvolvedFromTopMap)]
    [TestCase("pyramid-from-p", ExtraLevelsKind.ConvolvedFromPyramid)]
    public void A_pyramid_with_convolved_top_levels(string name, ExtraLevelsKind extra) => Check(name, (layers, weights, inputs) =>
    {
        int[] channels = [.. inputs.Select(i => i.Shape.C)];
        var layout = PyramidLayout.Read(weights, "p", PyramidKind.Fpn, channels);
        Assert.That((layout.Extra, layout.HasNorms), Is.EqualTo((extra, name == "pyramid")));
        var pyramid = new FeaturePyramid(layers, "p", layout, channels);
        return (tape, maps) =>
        {
            var levels = pyramid.Run(tape, new Levels<Variable>(3, maps));
            return Enumerable.Range(levels.Finest, levels.Count).Select(l => levels[l]);
        };
    });

    [TestCase("retina")]
    [TestCase("retina-norm")]
    public void RetinaNets_head(string name) => Check(name, (layers, weights, inputs) =>
    {
        var head = new RetinaHead(layers, "head", RetinaHeadLayout.Read(weights, "head"), inputs[0].Shape.C);
        return (tape, levels) =>
        {
            var pyramid = tape.NewMaps(3, [.. levels.Select(level => level.Shape)]);
            foreach (var (i, level) in levels.Index())
                pyramid[3 + i] = tape.MaxPool(level, kernel: 1, stride: 1, padding: 0, pyramid.Memory(3 + i));
            var output = head.Run(tape, pyramid);
            return Enumerable.Range(3, levels.Count).SelectMany(l => new[] { output.Logits[l], output.Deltas[l] });
        };
    });

    [Test]
    public void The_mask_head_with_norms() => Check("masks", (layers, weights, inputs) =>
    {
        var head = new MaskHead(layers, "roi_heads", MaskHeadLayout.Read(weights, "roi_heads"), inputs[0].Shape.C);
        return (tape, rois) =>
        {
            using var features = head.Features(tape, rois[0]);
            return [head.Logits(tape, features)];
        };
    });

    [Test]
    public void The_box_head_with_convolutions() => Check("boxes", (layers, weights, inputs) =>
    {
        var channels = inputs[0].Shape.C;
        var head = new BoxHead(
            layers, "roi_heads", BoxHeadLayout.Read(weights, "roi_heads", channels, backgroundLast: false, strideInFirst: false), channels);
        return (tape, rois) =>
        {
            var rows = tape.Hold(Device.Upload<int>([rois[0].Shape.N]));
            using var features = head.Features(tape, rois[0], rows.View);
            var predictions = head.Predict(tape, features, rows.View);
            return [predictions.Logits, predictions.Deltas];
        };
    });

    private void Check(string name, Func<LayerSet, WeightReader, IReadOnlyList<(Shape Shape, float[] Values)>, Part> define)
    {
        using var all = Safetensors.Open(
            Path.Combine(TestContext.CurrentContext.TestDirectory, "Training", "fixtures", "blocks.safetensors"));
        var own = all.Tensors.Values.Where(t => t.Name.StartsWith(name + "/", StringComparison.Ordinal))
            .ToDictionary(t => t.Name[(name.Length + 1)..]);
        using var state = new StateDictionary(
            name, own.Where(t => !t.Key.StartsWith("gradient.", StringComparison.Ordinal))
                .Select(t => StateTensor.FromValues(t.Key, [.. t.Value.Shape], t.Value.ToArray())));
        var inputs = Maps(own, "in");
        using var layers = new LayerSet();
        var weights = new WeightReader(state, 1e-5f);
        var part = define(layers, weights, inputs);
        layers.Load(Device, weights, new TrainingPlan(NormTraining.Live, Frozen: []));
        using var scope = Device.Memory.BeginPicture();
        using var tape = new Tape(Device);
        List<Variable> leaves = [.. inputs.Select(i => tape.New(Tensor.Upload(Device, i.Shape, i.Values)))];
        foreach (var leaf in leaves)
            leaf.NeedsGradient = true;
        List<Variable> outputs = [.. part(tape, leaves)];
        foreach (var ((output, expected), (_, wanted)) in outputs.Zip(Maps(own, "out")).Zip(Maps(own, "weight")))
        {
            Compare(InOrder(output, output.Value.ToArray(), expected.Shape), expected.Values, "an output");
            output.AddGradient(Tensor.Upload(Device, output.Shape, OutOfOrder(output, wanted, expected.Shape)));
        }
        tape.Backward();
        using var every = Assert.EnterMultipleScope();
        foreach (var ((leaf, gradient), i) in leaves.Zip(Maps(own, "gradient.in")).Zip(Enumerable.Range(0, leaves.Count)))
            Compare(leaf.Gradient!.ToArray(), gradient.Values, $"the gradient of input {i}");
        foreach (var parameter in layers.Parameters!.Trained)
            Compare(parameter.GradientToArray(), own["gradient." + parameter.Name].ToArray(), $"the gradient of {parameter.Name}");
        var gradients = own.Keys.Count(key => key.StartsWith("gradient.", StringComparison.Ordinal));
        Assert.That(layers.Parameters.Trained.Count() + leaves.Count, Is.EqualTo(gradients), "parameters");
        foreach (var leaf in leaves)
            leaf.TakeGradient()?.Dispose();
    }

    private static void Compare(float[] actual, float[] expected, string what)
        => Comparison.AssertClose(actual, expected, 1e-4 * expected.Max(MathF.Abs), 1e-4, what: what);

    /// <summary>The maps of a case, [N, H, W, C]; matrices are maps of one pixel.</summary>
    private static List<(Shape Shape, float[] Values)> Maps(Dictionary<string, StateTensor> own, string prefix)
    {
        var maps = new List<(Shape, float[])>();
        while (own.TryGetValue($"{prefix}.{maps.Count}", out var tensor))
        {
            var (torch, s) = (tensor.ToArray(), tensor.Shape);
            var shape = s.Count == 2 ? new Shape(s[0], 1, 1, s[1]) : new Shape(s[0], s[2], s[3], s[1]);
            var values = new float[torch.Length];
            for (var i = 0; i < values.Length; i++)
            {
                var (n, p, c) = (i / (shape.H * shape.W * shape.C), i / shape.C % (shape.H * shape.W), i % shape.C);
                values[i] = torch[(n * shape.C + c) * shape.H * shape.W + p];
            }
            maps.Add((shape, values));
        }
        return maps;
    }

    // The mask head's pixels come in quartets, [N, S, 4 · S, C], instead of [N, 2 · S, 2 · S, C].
    private static float[] InOrder(Variable output, float[] values, Shape shape)
        => output.Shape == shape ? values : Reorder(values, shape, (from, to) => (to, from));

    private static float[] OutOfOrder(Variable output, float[] wanted, Shape shape)
        => output.Shape == shape ? wanted : Reorder(wanted, shape, (from, to) => (from, to));

    private static float[] Reorder(float[] values, Shape shape, Func<int, int, (int From, int To)> way)
    {
        var result = new float[values.Length];
        for (var i = 0; i < values.Length; i++)
        {
            var (c, x, y, n) = (i % shape.C, i / shape.C % shape.W, i / shape.C / shape.W % shape.H, i / shape.C / shape.W / shape.H);
            var quartet = ((n * shape.H / 2 + y / 2) * shape.W / 2 + x / 2) * 4 + y % 2 * 2 + x % 2;
            var (from, to) = way(i, quartet * shape.C + c);
            result[to] = values[from];
        }
        return result;
    }
}
