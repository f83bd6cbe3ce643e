using System.Globalization;
using System.Text.Json;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Experiments.Scenes;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Training;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;
using OwnBackbone;

namespace Fpn.IlGpu.Tests.Training;

/// <summary>Each detector on each family of backbones is trained for a few steps, resumed to the same bytes, and loaded again.</summary>
internal sealed class EveryDetectorTests : TrainingFolderTests
{
    private const int Side = 64;

    private static readonly NetworkLayout Small = new()
    {
        Layout = "resnet18",
        Widths = [8, 8, 16, 16],
        PyramidChannels = 32,
        HeadChannels = 32,
        MaskChannels = 16,
        WindowChannels = 32,
    };

    private static IEnumerable<TestCaseData> Cases()
    {
        string[] detectors = [DetectorKind.FasterRcnn, DetectorKind.MaskRcnn, DetectorKind.RetinaNet, DetectorKind.ProposalNetwork];
        foreach (var detector in detectors)
        {
            yield return Case(detector, Small);
            yield return Case(detector, Small with { Generation = 2 });
        }
        yield return Case(DetectorKind.MaskProposals, Small);
        string[] backbones = ["resnet50", "wide_resnet50_2", "resnext50_32x4d", "mobilenet_v3_large", "efficientnet_b0", "vgg16", "vgg16_bn"];
        foreach (var backbone in backbones)
        {
            yield return Case(DetectorKind.FasterRcnn, Small with { Layout = backbone, Widths = Widths(backbone) });
            // One of each kind of block is enough for a second detector.
            if (backbone is "resnext50_32x4d" or "mobilenet_v3_large" or "efficientnet_b0" or "vgg16_bn")
                yield return Case(DetectorKind.RetinaNet, Small with { Layout = backbone, Widths = Widths(backbone), Generation = 2 });
        }

        // Each of ResNeXt's 32 groups needs a channel.
        static int[] Widths(string backbone) => backbone switch
        {
            "resnext50_32x4d" => [16, 16, 16, 32],
            "mobilenet_v3_large" or "efficientnet_b0" => new NetworkLayout().Widths,
            _ => [8, 8, 16, 16],
        };

        static TestCaseData Case(string detector, NetworkLayout network) => new TestCaseData(detector, network)
            .SetArgDisplayNames(detector, network.Layout, string.Create(CultureInfo.InvariantCulture, $"generation {network.Generation}"));
    }

    [TestCaseSource(nameof(Cases))]
    public void A_detector_trains_resumes_to_the_same_bytes_and_loads(string detector, NetworkLayout network)
    {
        var configuration = Of(detector, network, steps: 2);
        using (var whole = OpenTrainer(configuration, Folder, At("whole"), resume: false))
        {
            Assert.That(whole.Run().Select(step => step.Loss), Has.All.Matches<float>(float.IsFinite));
            Assert.That(() => whole.Detector.Detect(Picture()), Throws.Nothing, "it detects in place");
        }
        using (var half = OpenTrainer(configuration, Folder, At("half"), resume: false))
        using (var stop = new CancellationTokenSource())
        {
            foreach (var step in half.Run(stop.Token))
                stop.Cancel();
            Assert.That(half.StepsDone, Is.EqualTo(1));
        }
        using (var rest = OpenTrainer(configuration, Folder, At("half"), resume: true))
            Assert.That(rest.Run().Count(), Is.EqualTo(1));
        Assert.That(File.ReadAllBytes(At("half/model.safetensors")), Is.EqualTo(File.ReadAllBytes(At("whole/model.safetensors"))));

        using var loaded = Detector.Load(Device, At("whole/model.safetensors"));
        Assert.That(loaded.Weights.Unused, Is.Empty);
        Assert.That(loaded.Configuration.Detector, Is.EqualTo(detector));
        Assert.That(() => loaded.Detect(Picture()), Throws.Nothing);
    }

    [TestCase(DetectorKind.FasterRcnn)]
    [TestCase(DetectorKind.RetinaNet)]
    public void A_backbone_of_ones_own_trains_resumes_to_the_same_bytes_and_loads(string detector)
    {
        var backbone = new PlainNetLayout(8, 8, 16, 16);
        var configuration = Of(detector, Small, steps: 2);
        using (var whole = Open("whole", resume: false))
        {
            Assert.That(whole.Run().Count(), Is.EqualTo(2));
            Assert.That(whole.Description, Does.StartWith("PlainNet of 4 stages"));
        }
        using (var half = Open("half", resume: false))
        using (var stop = new CancellationTokenSource())
        {
            foreach (var step in half.Run(stop.Token))
                stop.Cancel();
        }
        using (var rest = Open("half", resume: true))
            Assert.That(rest.Run().Count(), Is.EqualTo(1));
        var path = At("whole/model.safetensors");
        Assert.That(File.ReadAllBytes(At("half/model.safetensors")), Is.EqualTo(File.ReadAllBytes(path)));

        using var loaded = Detector.Load(Device, path, backbone: backbone);
        Assert.That(loaded.Weights.Unused, Is.Empty);
        Assert.That(() => loaded.Detect(Picture()), Throws.Nothing);
        Assert.That(() => Detector.Load(Device, path), Throws.TypeOf<WeightsException>(), "the library doesn't know this network");

        Trainer Open(string name, bool resume) => Trainer.Open(
            Device, configuration, Folder, At(name), resume, SceneTraining.ScenesOf(configuration), backbone);
    }

    [Test]
    public void Accumulated_batches_are_one_step()
    {
        // With constant norms and a loss that counts each picture alike, two batches of one picture are as one of two.
        var network = Small with { BatchNorm = NormTraining.Affine };
        var together = Of(DetectorKind.RetinaNet, network, steps: 1);
        var apart = together with { Schedule = together.Schedule with { Batch = 1, Accumulate = 2 } };
        var losses = new List<IReadOnlyList<KeyValuePair<string, float>>>();
        foreach (var (name, configuration) in new[] { ("together", together), ("apart", apart) })
        {
            using var trainer = OpenTrainer(configuration, Folder, At(name), resume: false);
            losses.Add(trainer.Run().Single().Losses);
        }
        foreach (var (one, other) in losses[0].Zip(losses[1]))
            Assert.That(other.Value, Is.EqualTo(one.Value).Within(1e-3).Percent, one.Key);
        using var a = Safetensors.Open(At("together/checkpoint.safetensors"));
        using var b = Safetensors.Open(At("apart/checkpoint.safetensors"));
        foreach (var tensor in a.Tensors.Values)
        {
            var values = tensor.ToArray();
            Assert.That(b[tensor.Name].ToArray(), Is.EqualTo(values).Within(1e-4 * values.Max(MathF.Abs) + 1e-7), tensor.Name);
        }
    }

    private static TrainingConfiguration Of(string detector, NetworkLayout network, int steps) => new()
    {
        Data = new TrainingData { Shapes = new ShapesData { Width = Side, Height = Side, FirstSeed = 77, Count = 4 } },
        Network = network,
        Schedule = new TrainingSchedule { Steps = steps, Batch = 2, WarmupSteps = 0, LearningRate = 1e-3f },
        Rpn = new ProposalTraining { PreNmsTopN = 50, PostNmsTopN = 20, Samples = 32 },
        BoxHead = new BoxTraining { Samples = 16 },
        Model = JsonElement.Parse($$"""{ "detector": "{{detector}}", "min_size": {{Side}}, "max_size": {{2 * Side}} }"""),
    };

    private static RgbImage Picture() => SyntheticShapes.Scene(5, Side, Side).Image;

    private string At(string name) => Path.Combine(Folder, name);
}
