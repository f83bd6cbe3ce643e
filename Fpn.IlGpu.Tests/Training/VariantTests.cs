using System.Text.Json;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Experiments.Scenes;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Tests.Reference;
using Fpn.IlGpu.Training;
using Fpn.IlGpu.Verification;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Training;

/// <summary>
/// The paper's variants on a tape: each agrees with the inference network that reads the same tensors, and its gradients with
/// central differences of its losses.
/// </summary>
internal sealed class VariantTests(string deviceId) : ModelTests(deviceId)
{
    private const string Levels = "[[8], [16], [32], [64], [128]]";
    private const string OneLevel = "[[8, 16, 32, 64, 128]]";

    private static readonly Shape Input = new(2, 96, 128, 3);

    private static readonly NetworkLayout Small = new()
    {
        Layout = "resnet18",
        Widths = [8, 12, 16, 20],
        PyramidChannels = 12,
        HeadChannels = 24,
    };

    private static IEnumerable<TestCaseData> Variants => [
        Case("bottom-up", Levels, Small),
        Case("no-lateral", Levels, Small),
        Case("finest", OneLevel, Small),
        Case("single-map", OneLevel, Small).SetArgDisplayNames("C5 alone"),
        Case("single-map", OneLevel, Small with { TopMap = 4 }).SetArgDisplayNames("C4 alone"),
        Case("single-map", OneLevel, Small with { TopMap = 4, BoxHead = BoxHeadKind.Stage }).SetArgDisplayNames("C4 and the fifth stage"),
        Case("single-map", OneLevel, Small with { Layout = "resnet50", TopMap = 4, BoxHead = BoxHeadKind.Stage })
            .SetArgDisplayNames("C4 and the fifth stage, bottlenecks"),
        Case("fpn", "[[8], [16], [32], [64]]", Small with { TopMap = 4 }).SetArgDisplayNames("FPN up to C4"),
        Case("fpn", Levels, Small with { SharedRpnHead = false }).SetArgDisplayNames("an RPN head for each level"),
        Case("fpn", Levels, Small, ", \"roi_max_pool\": true").SetArgDisplayNames("RoI max pooling"),
    ];

    [TestCaseSource(nameof(Variants))]
    public void Outputs_on_a_tape_that_records_agree_with_inference(string model, NetworkLayout layout)
    {
        using var state = Fresh(model, layout);
        using var detector = (FasterRcnn)Detector.Load(Device, state);
        Assert.That(detector.Weights.Unused, Is.Empty);
        using var trained = Load(state);
        using var scope = Device.Memory.BeginPicture();
        using var tape = new Tape(Device);
        using var inference = Tape.ForInference(Device);
        using var input = Tensor.Upload(Device, Input, CaseValues.Uniform((int)Input.Length, 1, -2, 2));
        var (boxes, pictures) = Rois();
        var actual = TrainedOutputs.Of(tape, trained, input, boxes, pictures);
        var expected = TrainedOutputs.Of(inference, detector, input, boxes, pictures);
        Assert.That(actual.Pyramid.Count, Is.EqualTo(detector.Pyramid.Levels));
        foreach (var ((name, values), (_, wanted)) in actual.Values().Zip(expected.Values()))
            Comparison.AssertClose(values, wanted, 1e-5 * wanted.Max(MathF.Abs), 1e-5, what: name);
    }

    [TestCaseSource(nameof(Variants))]
    public void Gradients_agree_with_central_differences(string model, NetworkLayout layout)
    {
        // Losses change most along the gradient, where rounding matters least.
        using var state = Fresh(model, layout);
        using var network = Load(state);
        Loss(network, backward: true);
        List<Parameter> trained = [.. network.Parameters.Trained];
        Assert.That(trained.Where(p => !p.HasGradient).Select(p => p.Name), Is.Empty, "parameters without a gradient");
        var gradients = trained.ConvertAll(p => p.GradientToArray());
        var values = trained.ConvertAll(p => p.ToTensor().ToArray());
        var length = Math.Sqrt(gradients.Sum(g => g.Sum(v => (double)v * v)));
        // The change of the losses: small enough for kinks to be rare, large enough for the precision of a float.
        double[] ways = [2e-3, 3e-3, 4e-3];
        Assert.That(ways.Average(way => Change((float)(way / length))), Is.EqualTo(length).Within(0.1).Percent);

        double Change(float far) => (LossAt(far) - LossAt(-far)) / (2 * far);

        double LossAt(float way)
        {
            foreach (var (i, parameter) in trained.Index())
            {
                float[] moved = [.. values[i].Zip(gradients[i], (v, g) => (float)(v + way * g / length))];
                parameter.Restore(moved, new float[moved.Length]);
            }
            // Counts as a step, so that weights are packed again.
            network.Parameters.Changed();
            return Loss(network, backward: false);
        }
    }

    [Test]
    public void A_number_of_levels_that_does_not_match_the_anchors_is_refused()
    {
        using var state = Fresh(Model("single-map", Levels), Small);
        Assert.That(
            () => Load(state),
            Throws.TypeOf<WeightsException>().With.Message.Contains("5 levels").And.Message.Contains("has 1"));
    }

    [Test]
    public void Heads_for_another_number_of_levels_are_refused()
    {
        using var six = Fresh(Model("fpn", "[[8], [16], [32], [64], [128], [256]]"), Small with { SharedRpnHead = false });
        using var state = new StateDictionary("six heads", six.Tensors.Values, new Dictionary<string, string>
        {
            [ModelConfiguration.MetadataKey] = ModelConfiguration.Of(six).With($$"""{ "anchor_sizes": {{Levels}} }""").ToJson(),
        });
        Assert.That(
            () => Detector.Load(Device, state),
            Throws.TypeOf<WeightsException>().With.Message.Contains("heads for 6 levels").And.Message.Contains("has 5"));
        Assert.That(() => Load(state), Throws.TypeOf<WeightsException>());
    }

    private static TestCaseData Case(string pyramid, string anchorSizes, NetworkLayout layout, string more = "")
        => new TestCaseData(Model(pyramid, anchorSizes, more), layout).SetArgDisplayNames(pyramid);

    private static string Model(string pyramid, string anchorSizes, string more = "")
        => $$"""{ "pyramid": "{{pyramid}}", "anchor_sizes": {{anchorSizes}}{{more}} }""";

    private static StateDictionary Fresh(string model, NetworkLayout layout)
    {
        var configuration = new TrainingConfiguration
        {
            Data = new TrainingData { Shapes = new ShapesData() },
            Network = layout,
            Model = JsonElement.Parse(model),
        };
        var modelConfiguration = configuration.ModelConfiguration(SyntheticShapes.Classes);
        using var network = new DetectorNetwork(DetectorLayouts.Of(layout, modelConfiguration));
        using var fresh = InitialWeights.Of(network, configuration, modelConfiguration, start: null, out _);
        // Until statistics are learned, each residual block would double its input's variance, and losses would curve too soon.
        return new StateDictionary("fresh", fresh.Tensors.Values.Select(Tamed).ToList(), fresh.Metadata);

        StateTensor Tamed(StateTensor tensor) => layout.Layout == "resnet50" && tensor.Name.EndsWith("running_var", StringComparison.Ordinal)
            ? StateTensor.FromValues(tensor.Name, [.. tensor.Shape], tensor.ToArray().Select(v => 3 * v).ToArray())
            : tensor;
    }

    private static (Box[] Boxes, int[] Pictures) Rois()
    {
        var boxes = CaseValues.Boxes(20, 2, Input.W, Input.H).Chunk(4).Select(b => new Box(b[0], b[1], b[2], b[3])).ToArray();
        return (boxes, [.. boxes.Select((_, r) => r / (boxes.Length / 2))]);
    }

    /// <summary>The sum of all losses, for arbitrary targets.</summary>
    private double Loss(FasterRcnn network, bool backward)
    {
        using var scope = Device.Memory.BeginPicture();
        using var tape = new Tape(Device);
        using var input = Tensor.Upload(Device, Input, CaseValues.Uniform((int)Input.Length, 7, -2, 2));
        var (boxes, owners) = Rois();
        var outputs = TrainedOutputs.Of(tape, network, input, boxes, owners);
        var (losses, weighting) = (new LossSet(tape), new DetectorLosses(1, 1));
        // Some anchors of every level.
        var anchors = outputs.Rpn.Objectness.Shapes.Sum(s => s.H * s.W * s.C);
        int[] sampled = [.. Enumerable.Range(0, anchors).Where(i => i % 37 == 0 || i >= anchors - 6)];
        var positives = sampled.Where((_, i) => i % 2 == 0).ToArray();
        weighting.OfRpn(losses, outputs.Rpn, [.. Enumerable.Range(0, Input.N).Select(n => new AnchorTargets(
            positives, [.. sampled.Except(positives)], CaseValues.Uniform(4 * positives.Length, 30 + n, -0.5f, 0.5f)))]);
        int[] classes = [.. boxes.Select((_, r) => r % 3)];
        weighting.OfBoxes(losses, outputs.Boxes, classes, 0, CaseValues.Uniform(4 * classes.Count(c => c != 0), 40, -0.5f, 0.5f));
        if (backward)
            tape.Backward();
        return losses.Read().Sum(loss => (double)loss.Value);
    }

    private FasterRcnn Load(StateDictionary state)
        => (FasterRcnn)Detector.Load(Device, state, new TrainingPlan(NormTraining.Frozen, Frozen: []));
}
