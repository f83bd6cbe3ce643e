using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Training;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Weights;

/// <summary>Backbones without a detector, under the names that they have in the libraries that train them.</summary>
public sealed class BackboneFileTests
{
    private const string Body = DetectorNetwork.BackboneName + ".";

    [TestCase("")]
    [TestCase("backbone.body.")]
    [TestCase("backbone.")]
    [TestCase("body.")]
    [TestCase("module.")]
    [TestCase("model.backbone.")]
    [TestCase("encoder.")]
    public void A_residual_network_is_known_by_torchvisions_names_after_any_prefix(string prefix)
        => AssertKnown("resnet18", name => prefix + name, more: [prefix == Body ? "fc.weight" : $"{prefix}fc.weight", "optimizer.state"]);

    [TestCase("mobilenet_v3_large", "features.", "classifier.0.weight")]
    [TestCase("efficientnet_b0", "features.", "classifier.1.weight")]
    [TestCase("vgg16", "features.", "classifier.6.weight")]
    [TestCase("vgg16_bn", "model.features.", "model.classifier.6.weight")]
    public void A_sequence_is_known_by_torchvisions_names(string layout, string prefix, string more)
        => AssertKnown(layout, name => prefix + name, [more]);

    [TestCase("", "fc.weight")]
    [TestCase("bottom_up.", "fpn_lateral2.weight")]
    [TestCase("backbone.bottom_up.", "backbone.fpn_lateral3.bias")]
    public void Detectron2s_names_are_known_with_its_conventions(string prefix, string more)
    {
        using var state = AssertKnown("resnet50", name => prefix + Detectron2(name), [more]);
        var configuration = ModelConfiguration.Of(state);
        Assert.That((configuration.Bgr, configuration.PixelScale, configuration.StrideInFirstConvolution), Is.EqualTo((true, 1f, true)));
        Assert.That(configuration.Mean, Is.EqualTo((float[])[103.53f, 116.28f, 123.675f]));
    }

    [Test]
    public void A_classifier_of_torchvision_under_Detectron2s_names_keeps_torchvisions_conventions()
    {
        using var state = AssertKnown("resnet50", Detectron2, ["stem.fc.weight"]);
        Assert.That(ModelConfiguration.Of(state).ToJson(), Is.EqualTo(new ModelConfiguration().ToJson()));
    }

    [Test]
    public void Caffe2s_names_are_known_with_its_conventions()
    {
        using var state = Understand(["conv1_w", "res_conv1_bn_s", "res_conv1_bn_b", "res2_0_branch2a_w", "fc1000_w"]);
        Assert.That(Checkpoint.IsBackbone(state));
        Assert.That(state.Tensors.Keys, Is.SupersetOf((string[])["backbone.body.conv1.weight", "backbone.body.bn1.running_var"]));
        Assert.That(ModelConfiguration.Of(state).Bgr);
    }

    [TestCase("")]
    [TestCase("backbone.")]
    public void The_names_of_timms_mobilenet_are_known(string prefix)
    {
        string[] norm = ["weight", "bias", "running_mean", "running_var"];
        List<string> names = ["conv_head.weight", "classifier.weight", .. Convolution("conv_stem", "bn1")];
        names.AddRange([.. Convolution("blocks.0.0.conv_dw", "blocks.0.0.bn1"), .. Convolution("blocks.0.0.conv_pw", "blocks.0.0.bn2")]);
        foreach (var (stage, blocks, hasSqueeze) in ((int, int, bool)[])[(1, 2, false), (2, 3, true), (3, 4, false), (4, 2, true), (5, 3, true)])
        {
            for (var b = 0; b < blocks; b++)
            {
                var block = $"blocks.{stage}.{b}.";
                names.AddRange([.. Convolution($"{block}conv_pw", $"{block}bn1"), .. Convolution($"{block}conv_dw", $"{block}bn2")]);
                names.AddRange(Convolution($"{block}conv_pwl", $"{block}bn3"));
                foreach (var part in hasSqueeze ? (string[])["conv_reduce", "conv_expand"] : [])
                    names.AddRange([$"{block}se.{part}.weight", $"{block}se.{part}.bias"]);
            }
        }
        names.AddRange(Convolution("blocks.6.0.conv", "blocks.6.0.bn1"));

        using var state = Understand([.. names.Select(name => prefix + name)]);

        Assert.That(state.Tensors.Keys.Where(name => name.StartsWith(Body, StringComparison.Ordinal)), Is.EquivalentTo(Tensors("mobilenet_v3_large")));
        Assert.That(Checkpoint.IsBackbone(state));

        IEnumerable<string> Convolution(string name, string normName) => norm.Select(part => $"{normName}.{part}").Prepend($"{name}.weight");
    }

    // The pairs of timm's and torchvision's layers, as their shapes and order in the network say.
    [TestCase("conv_stem.weight", "0.0.weight")]
    [TestCase("blocks.0.0.conv_pw.weight", "1.block.1.0.weight")]
    [TestCase("blocks.1.1.conv_pwl.weight", "3.block.2.0.weight")]
    [TestCase("blocks.2.0.conv_dw.weight", "4.block.1.0.weight")]
    [TestCase("blocks.3.3.bn3.running_var", "10.block.2.1.running_var")]
    [TestCase("blocks.4.1.se.conv_reduce.bias", "12.block.2.fc1.bias")]
    [TestCase("blocks.5.2.se.conv_expand.weight", "15.block.2.fc2.weight")]
    [TestCase("blocks.5.2.conv_pwl.weight", "15.block.3.0.weight")]
    [TestCase("blocks.6.0.bn1.bias", "16.1.bias")]
    public void Layers_of_timms_mobilenet_become_those_of_torchvision(string timm, string torchvision)
        => Assert.That(Understand(["conv_stem.weight", .. timm == "conv_stem.weight" ? (string[])[] : [timm]]).Contains(Body + torchvision));

    private static StateDictionary AssertKnown(string layout, Func<string, string> nameInFile, string[] more)
    {
        var expected = Tensors(layout);
        var state = Understand([.. expected.Select(name => nameInFile(name[Body.Length..])), .. more]);
        Assert.That(state.Tensors.Keys.Where(name => name.StartsWith(Body, StringComparison.Ordinal)), Is.EquivalentTo(expected));
        Assert.That(Checkpoint.IsBackbone(state));
        return state;
    }

    /// <summary>Detectron2's name of a ResNet's tensor.</summary>
    private static string Detectron2(string name)
    {
        for (var stage = 1; stage <= 4; stage++)
            name = name.Replace($"layer{stage}.", $"res{stage + 1}.", StringComparison.Ordinal);
        for (var i = 1; i <= 3; i++)
            name = name.Replace($"bn{i}.", $"conv{i}.norm.", StringComparison.Ordinal);
        name = name.Replace("downsample.0.", "shortcut.", StringComparison.Ordinal)
            .Replace("downsample.1.", "shortcut.norm.", StringComparison.Ordinal);
        return name.StartsWith("res", StringComparison.Ordinal) ? name : $"stem.{name}";
    }

    private static List<string> Tensors(string layout)
    {
        var layers = new LayerSet();
        BackboneLayouts.Of(layout, [64, 128, 256, 512], topMap: 5, strideInFirst: false).Build(layers, DetectorNetwork.BackboneName, 1);
        return [.. layers.Tensors.Select(spec => spec.Name)];
    }

    private static StateDictionary Understand(string[] names) => Checkpoint.Understand(
        new StateDictionary("file", names.Select(name => StateTensor.FromValues(name, [3], new float[3]))), allowBackbone: true);
}
