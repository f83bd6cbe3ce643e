using System.Text.Json;
using System.Text.Json.Nodes;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Tests.Cli;
using Fpn.IlGpu.Training;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Training;

/// <summary>What a run takes from the weights it starts from: tensors and conventions.</summary>
internal sealed class StartingWeightsTests : TrainingFolderTests
{
    private const string File = "start.safetensors";

    private static readonly string[] Classes = ["cat", "dog"];

    // Detectron2's conventions, with settings of a small model.
    private static readonly ModelConfiguration Conventions = Detectron2Models.Conventions with
    {
        Classes = [.. Classes, "background"],
        AnchorSizes = [[8], [16], [32], [64], [128]],
        AspectRatios = [0.5f, 1],
        MinSize = 64,
        MaxSize = 96,
        RoiCanonicalSide = 56,
        RoiCanonicalLevel = 3,
        BatchNormEpsilon = 1e-3f,
    };

    [Test]
    public void Fine_tuning_takes_the_conventions_of_the_checkpoint()
    {
        Write(Conventions);
        using var start = Start();
        var model = Configuration().ModelConfiguration(Classes, start);
        Assert.That(model.ToJson(), Is.EqualTo(Conventions.ToJson()), "BGR, mean, stride, aligned RoIAlign, anchors, ε, canonical size, …");
    }

    [Test]
    public void The_detector_that_is_trained_has_the_conventions_of_the_checkpoint()
    {
        // The scenes have other classes.
        Write(Conventions);
        using var trainer = OpenTrainer(Configuration(), Folder, Path.Combine(Folder, "run"), resume: false);
        Assert.That(
            trainer.Detector.Configuration.ToJson(),
            Is.EqualTo((Conventions with { Classes = trainer.Detector.Configuration.Classes }).ToJson()));
        Assert.That(trainer.Detector.Configuration.Classes, Has.Length.EqualTo(8));
        var sentences = string.Join('\n', trainer.Weights!.Sentences());
        Assert.That(sentences, Does.Contain("keeps the conventions of its weights, unless 'model' has others: "));
        foreach (var key in (string[])["bgr true", "mean [103.53,116.28,123.675]", "roi_aligned true", "batch_norm_eps 0.001", "min_size 64"])
            Assert.That(sentences, Does.Contain(key));
    }

    [Test]
    public void Keys_of_the_model_override_those_of_the_checkpoint()
    {
        Write(Conventions);
        using var start = Start();
        var configuration = Configuration() with { Model = JsonElement.Parse("""{ "bgr": false, "min_size": 80, "background_last": false }""") };
        var model = configuration.ModelConfiguration(Classes, start);
        Assert.That(
            model.ToJson(),
            Is.EqualTo((Conventions with { Bgr = false, MinSize = 80, BackgroundLast = false, Classes = ["background", .. Classes] }).ToJson()));
        Assert.That(
            StartingWeights.KeysTaken(configuration, configuration.ModelConfiguration(Classes), model),
            Has.Some.StartsWith("roi_aligned").And.None.StartsWith("bgr").And.None.StartsWith("min_size"));
    }

    [Test]
    public void A_backbone_brings_the_conventions_of_its_input_only()
    {
        Write(Conventions, name => name.StartsWith("backbone.body.", StringComparison.Ordinal));
        using var start = Start();
        var model = Configuration().ModelConfiguration(Classes, start);
        Assert.That((model.Bgr, model.StrideInFirstConvolution, model.ResizeAntialias, model.PixelScale), Is.EqualTo((true, true, true, 1f)));
        Assert.That((model.RoiAligned, model.MinSize, model.BackgroundLast, model.AspectRatios.Length), Is.EqualTo((false, 800, false, 3)));
    }

    [Test]
    public void Another_kind_of_detector_does_not_bring_its_anchors()
    {
        Write(Conventions);
        using var start = Start();
        var retina = Configuration() with { Model = JsonElement.Parse("""{ "detector": "retinanet" }""") };
        var model = retina.ModelConfiguration(Classes, start);
        Assert.That((model.Bgr, model.AnchorSizes[0].Length, model.BoxDetectionsPerImage), Is.EqualTo((true, 3, 300)));
        var masks = Configuration() with { Model = JsonElement.Parse("""{ "detector": "mask-rcnn" }""") };
        Assert.That(masks.ModelConfiguration(Classes, start).AnchorSizes[0], Is.EqualTo((float[])[8]), "Mask R-CNN has the same RPN");
    }

    [TestCase(NormTraining.Live, 1e-5f)]
    [TestCase(NormTraining.Affine, 0)]
    [TestCase(NormTraining.Frozen, 0)]
    public void An_epsilon_of_zero_is_kept_for_norms_that_learn_no_statistics(NormTraining norms, float epsilon)
    {
        Write(Conventions with { BatchNormEpsilon = 0 });
        using var start = Start();
        Assert.That(start.ConventionsFor(new ModelConfiguration(), norms).BatchNormEpsilon, Is.EqualTo(epsilon));
    }

    [TestCase("cat,dog", null)]
    [TestCase("cat,bird", "the weights have other classes ('cat', 'dog') than the data ('cat', 'bird')")]
    [TestCase("Cat,dog", "the weights have other classes ('cat', 'dog') than the data ('Cat', 'dog')")]
    [TestCase("dog,cat", "the weights have the classes in another order ('cat', 'dog') than the data ('dog', 'cat')")]
    public void Class_layers_are_fresh_when_class_names_differ_though_their_number_is_the_same(string classes, string? why)
    {
        Write(Conventions);
        var (state, loaded) = Load(Configuration(), classes.Split(','));
        using (state)
        using (var before = Safetensors.Open(Path.Combine(Folder, File)))
        {
            foreach (var tensor in before.Tensors.Values)
            {
                var isFresh = why is not null && tensor.Name.Contains("box_predictor", StringComparison.Ordinal);
                Assert.That(state[tensor.Name].ToArray().SequenceEqual(tensor.ToArray()), Is.EqualTo(!isFresh), tensor.Name);
            }
            Assert.That(loaded.FreshClasses, Is.EqualTo(why));
            Assert.That(loaded.Random, Has.Count.EqualTo(why is null ? 0 : 4));
            Assert.That(loaded.Sentences(), why is null ? Has.Count.EqualTo(1) : Has.Some.EqualTo($"The class layers are fresh: {why}."));
        }
    }

    [Test]
    public void Class_layers_are_fresh_when_the_weights_name_no_classes()
    {
        Write(Conventions with { Classes = null });
        var (state, loaded) = Load(Configuration(), Classes);
        state.Dispose();
        Assert.That(loaded.FreshClasses, Does.Contain("name no classes").And.Contain("fpn weights convert --set classes="));
        Assert.That(loaded.Random, Has.Count.EqualTo(4));
    }

    [Test]
    public void A_report_says_what_was_loaded_and_left_out_and_what_stayed_random()
    {
        // A classifier's file, under its own names.
        Write(
            new ModelConfiguration(), name => name.StartsWith("backbone.body.", StringComparison.Ordinal),
            name => name["backbone.body.".Length..], more: ["fc.weight", "fc.bias"]);
        var (state, loaded) = Load(Configuration(), Classes);
        state.Dispose();
        Assert.That(loaded.Sentences(), Is.EqualTo((string[])
        [
            "Weights: 100 of 130 tensors are those of start.safetensors.",
            "Left out: fc (2).",
            "Random: backbone.fpn (16), rpn.head (6), roi_heads.box_head (4), roi_heads.box_predictor (4).",
        ]));
    }

    [Test]
    public void A_report_names_tensors_of_another_shape()
    {
        Write(Conventions);
        var wider = Configuration() with { Network = Configuration().Network with { HeadChannels = 24 } };
        var (state, loaded) = Load(wider, Classes);
        state.Dispose();
        Assert.That(loaded.OtherShapes, Does.Contain("roi_heads.box_head.fc7.weight [16, 16] for [24, 24]"));
        Assert.That(loaded.Sentences(), Has.Some.StartsWith("Random, because the weights have another shape: roi_heads.box_head.fc6.weight"));
    }

    [Test]
    public void The_checkpoint_of_a_run_starts_another()
    {
        var configuration = TrainingConfiguration.Parse(TinyTraining.Json(steps: 1, checkpointEvery: 1));
        using (var trainer = OpenTrainer(configuration, Folder, Folder, resume: false))
            Assert.That(trainer.Run().Count(), Is.EqualTo(1));
        var next = configuration with { Network = configuration.Network with { Weights = "checkpoint.safetensors" } };
        using var second = OpenTrainer(next, Folder, Path.Combine(Folder, "next"), resume: false);
        Assert.That(second.Weights!.Sentences(), Is.EqualTo((string[])["Weights: 130 of 130 tensors are those of checkpoint.safetensors."]));
    }

    [Test]
    public void A_run_is_not_resumed_with_the_conventions_of_other_weights()
    {
        Write(Conventions);
        using (var trainer = OpenTrainer(Configuration(), Folder, Folder, resume: false))
            Assert.That(trainer.Run().Count(), Is.EqualTo(1));
        using (var model = Safetensors.Open(Path.Combine(Folder, "model.safetensors")))
            Assert.That(model.Tensors.Values.Max(t => t.ToArray().Max()), Is.GreaterThan(65504), "a model that FP16 can't hold is written, too");
        Write(Conventions with { Bgr = false });
        Assert.That(
            () => OpenTrainer(Configuration(), Folder, Folder, resume: true),
            Throws.TypeOf<TrainingException>().With.Message.Contains("checkpoint.safetensors was written with other conventions"));
    }

    [TestCase("resnet18", "resnet50", "resnet18: ResNet, basic blocks 2, 2, 2, 2", "resnet50: ResNet, bottlenecks 3, 4, 6, 3")]
    [TestCase("resnet50", "resnet101", "resnet50: ResNet, bottlenecks 3, 4, 6, 3", "resnet101: ResNet, bottlenecks 3, 4, 23, 3")]
    // The deeper network has all tensors of the other, with the same shapes.
    [TestCase("resnet34", "resnet18", "resnet34: ResNet, basic blocks 3, 4, 6, 3", "resnet18: ResNet, basic blocks 2, 2, 2, 2")]
    [TestCase("mobilenet_v3_large", "resnet50", "mobilenet_v3_large: MobileNetV3-Large", "resnet50: ResNet, bottlenecks 3, 4, 6, 3")]
    [TestCase("wide_resnet50_2", "resnet50", "wide_resnet50_2: ResNet, bottlenecks 3, 4, 6, 3", "resnet50: ResNet, bottlenecks 3, 4, 6, 3")]
    [TestCase("vgg16", "vgg16_bn", "vgg16: VGG-16", "vgg16_bn: VGG-16 with batch norm")]
    public void A_backbone_of_another_depth_or_kind_is_refused_with_both_names(string held, string wanted, string first, string second)
    {
        using var start = new StartingWeights("file", Checkpoint.Understand(Shapes(held), allowBackbone: true));
        var configuration = Configuration() with { Network = new NetworkLayout { Layout = wanted } };
        var model = configuration.ModelConfiguration(Classes, start);
        using var network = new DetectorNetwork(DetectorLayouts.Of(configuration.Network, model));
        Assert.That(
            () => InitialWeights.Of(network, configuration, model, start, out _),
            Throws.TypeOf<TrainingException>().With.Message.StartsWith($"{held}.pth holds another backbone ({first}) than the network ({second}).")
                .And.Message.EndsWith("Set 'network.layout' to what the weights are, or choose other weights."));
    }

    [Test]
    public void A_backbone_of_other_widths_is_refused_with_a_tensor_of_both()
    {
        Write(Conventions);
        var wider = Configuration() with { Network = Configuration().Network with { Widths = [8, 8, 8, 16] } };
        Assert.That(
            () => Load(wider, Classes),
            Throws.TypeOf<TrainingException>()
                .With.Message.Contains("'backbone.body.layer4.0.conv1.weight' is [8, 8, 3, 3] in the weights and [16, 8, 3, 3] in the network"));
    }

    [Test]
    public void A_backbone_that_lacks_a_tensor_is_refused_with_its_name()
    {
        Write(Conventions, name => name != "backbone.body.layer2.0.bn1.running_var");
        Assert.That(
            () => Load(Configuration(), Classes),
            Throws.TypeOf<TrainingException>().With.Message.Contains("The weights lack 'backbone.body.layer2.0.bn1.running_var'."));
    }

    [Test]
    public void A_name_of_the_list_means_the_downloaded_file()
    {
        Assert.That(StartingWeights.PathOf("mine.pth", Folder), Is.EqualTo(Path.Combine(Folder, "mine.pth")));
        // A file takes precedence.
        System.IO.File.WriteAllText(Path.Combine(Folder, "resnet34"), "");
        Assert.That(StartingWeights.PathOf("resnet34", Folder), Is.EqualTo(Path.Combine(Folder, "resnet34")));
    }

    private static TrainingConfiguration Configuration()
    {
        var json = JsonNode.Parse(TinyTraining.Json(steps: 1, checkpointEvery: 1))!.AsObject();
        json.Remove("model");
        json["network"]!["weights"] = File;
        return TrainingConfiguration.Parse(json.ToJsonString());
    }

    /// <summary>A classifier's tensors: their names and shapes.</summary>
    private static StateDictionary Shapes(string layout)
    {
        var layers = new LayerSet();
        BackboneLayouts.Of(layout, [64, 128, 256, 512], topMap: 5, strideInFirst: false).Build(layers, DetectorNetwork.BackboneName, 1);
        return new StateDictionary($"{layout}.pth", layers.Tensors.Select(spec => new Unread(spec.Name, spec.Shape)).ToList());
    }

    private StartingWeights Start() => StartingWeights.Open(Configuration().Network, Folder)!;

    private (StateDictionary State, LoadedWeights Loaded) Load(TrainingConfiguration configuration, string[] classes)
    {
        using var start = Start();
        var model = configuration.ModelConfiguration(classes, start);
        using var network = new DetectorNetwork(DetectorLayouts.Of(configuration.Network, model));
        var state = InitialWeights.Of(network, configuration, model, start, out var loaded);
        return (state, loaded!);
    }

    /// <summary>Writes a file with the tensors of a small detector for two classes, or some of them.</summary>
    private void Write(ModelConfiguration model, Predicate<string>? kept = null, Func<string, string>? renamed = null, string[]? more = null)
    {
        var configuration = Configuration();
        var layout = DetectorLayouts.Of(configuration.Network, model with { Classes = [.. Classes, "background"] });
        using var network = new DetectorNetwork(layout);
        // Other random numbers than those of a run.
        var tensors = network.Layers.Tensors.Where(spec => kept is null || kept(spec.Name)).Select(spec => (
            renamed is null ? spec.Name : renamed(spec.Name), spec.Shape,
            FreshWeights.Of(spec, seed: 99).ToArray().Select(value => value + 0.25f).ToArray()));
        Safetensors.Write(
            Path.Combine(Folder, File), tensors.Concat((more ?? []).Select(name => (name, (int[])[2], new float[2]))),
            metadata: new Dictionary<string, string> { [ModelConfiguration.MetadataKey] = model.ToJson() });
    }

    /// <summary>A tensor whose values nobody reads.</summary>
    private sealed class Unread(string name, int[] shape) : StateTensor(name, shape, DataType.F32)
    {
        protected override void Read(Span<float> values) => Assert.Fail($"{Name} was read.");
    }
}
