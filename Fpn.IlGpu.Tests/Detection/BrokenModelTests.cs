using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Detection;

/// <summary>Valid files whose model can't run: the message names the tensor and what is wrong with it.</summary>
public sealed class BrokenModelTests
{
    private string folder = null!;

    [SetUp]
    public void MakeFolder() => folder = Directory.CreateTempSubdirectory("fpn-tests-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(folder, recursive: true);

    [TestCase("backbone.body.conv1.weight")]
    [TestCase("backbone.body.layer2.0.bn1.running_var")]
    [TestCase("backbone.body.layer1.1.conv1.weight")]
    [TestCase("backbone.body.layer3.0.downsample.0.weight")]
    [TestCase("backbone.fpn.inner_blocks.1.0.weight")]
    [TestCase("rpn.head.bbox_pred.bias")]
    [TestCase("roi_heads.box_head.fc6.weight")]
    [TestCase("roi_heads.box_predictor.cls_score.bias")]
    public void A_missing_tensor_is_named(string name)
        => Assert.That(() => Load(t => t.Name == name ? null : t), Fails(name));

    [TestCase("backbone.fpn.inner_blocks.2.0.weight", "[96, 127, 1, 1]", "[96, 128, 1, 1]")]
    [TestCase("backbone.fpn.inner_blocks.2.0.weight", "[95, 128, 1, 1]", "[96, 128, 1, 1]")]
    [TestCase("backbone.body.layer2.0.downsample.0.weight", "[60, 32, 1, 1]", "[64, 32, 1, 1]")]
    [TestCase("roi_heads.box_head.fc7.weight", "[256, 255]", "[256, 256]")]
    [TestCase("backbone.body.bn1.weight", "[31]", "[32]")]
    public void A_wrong_shape_is_shown_beside_the_right_one(string name, string wrong, string right)
    {
        int[] shape = [.. wrong.Trim('[', ']').Split(", ").Select(int.Parse)];
        Assert.That(
            () => Load(t => t.Name == name ? t with { Shape = shape, Values = new float[shape.Aggregate(1, (a, b) => a * b)] } : t),
            Fails(name).And.Message.Contains(wrong).And.Message.Contains(right));
    }

    [TestCase("backbone.body.layer1.0.conv1.weight", 2)]
    [TestCase("rpn.head.cls_logits.weight", 3)]
    public void A_wrong_number_of_dimensions_is_named(string name, int dimensions)
    {
        int[] Flat(NamedTensor t) => [t.Values.Length, .. Enumerable.Repeat(1, dimensions - 1)];
        Assert.That(() => Load(t => t.Name == name ? t with { Shape = Flat(t) } : t), Fails(name));
    }

    [TestCase("backbone.body.layer1.0.conv1.weight", "[32, 32, 0, 0]")]
    [TestCase("rpn.head.cls_logits.weight", "[0, 96, 1, 1]")]
    [TestCase("roi_heads.box_predictor.cls_score.weight", "[0, 256]")]
    public void A_tensor_without_elements_is_named(string name, string shape)
    {
        int[] empty = [.. shape.Trim('[', ']').Split(", ").Select(int.Parse)];
        Assert.That(() => Load(t => t.Name == name ? t with { Shape = empty, Values = [] } : t), Fails(name).And.Message.Contains(shape));
    }

    [TestCase("backbone.body.conv1.weight", "[32, 3, 1, 40]", "[32, 3, 7, 7]")]
    [TestCase("backbone.body.layer1.0.conv2.weight", "[32, 32, 5, 5]", "[32, 32, 3, 3]")]
    public void An_impossible_window_is_named(string name, string shape, string needed)
    {
        int[] other = [.. shape.Trim('[', ']').Split(", ").Select(int.Parse)];
        Assert.That(
            () => Load(t => t.Name == name ? t with { Shape = other, Values = new float[other.Aggregate(1, (a, b) => a * b)] } : t),
            Fails(name).And.Message.Contains(shape).And.Message.Contains(needed));
    }

    [TestCase(float.NaN)]
    [TestCase(float.PositiveInfinity)]
    public void NaN_and_infinite_values_are_refused(float value)
    {
        const string Name = "roi_heads.box_head.fc7.bias";
        Assert.That(() => Load(t => t.Name == Name ? t with { Values = [value, .. t.Values[1..]] } : t), Fails(Name));
    }

    [TestCase(-1)]
    [TestCase(-1e-5f)]
    public void A_negative_variance_is_refused(float value)
    {
        const string Name = "backbone.body.bn1.running_var";
        Assert.That(() => Load(t => t.Name == Name ? t with { Values = [value, .. t.Values[1..]] } : t), Fails(Name));
    }

    [Test]
    public void A_model_that_fails_to_load_leaves_nothing_on_the_device()
    {
        var device = TestDevices.Open("cpu");
        using (Detector.Load(device))
        {
            // A complete load first, so that the pool holds all the memory that loading needs.
        }
        var allocations = device.Memory.Allocations;
        var path = Write(t => t.Name == "roi_heads.box_predictor.bbox_pred.bias" ? null : t);
        for (var i = 0; i < 3; i++)
            Assert.That(() => Detector.Load(device, path), Fails("bbox_pred.bias"));
        Assert.That(device.Memory.Allocations, Is.EqualTo(allocations));
    }

    [Test]
    public void An_unknown_detector_is_named()
        => Assert.That(() => Load(t => t, config: c => c with { Detector = "yolo" }), Fails("yolo"));

    [Test]
    public void Levels_with_different_numbers_of_anchors_are_refused()
        => Assert.That(
            () => Load(t => t, config: c => c with { AnchorSizes = [[16], [32, 40], [64], [128], [256]] }), Fails("anchor sizes"));

    [Test]
    public void Too_few_classes_are_refused_with_both_counts()
        => Assert.That(
            () => Load(t => t, config: c => c with { Classes = ["background", "circle"] }),
            Throws.TypeOf<WeightsException>().With.Message.Contains("2 classes").And.Message.Contains("has 8"));

    [Test]
    public void Anchors_that_do_not_match_the_heads_are_refused()
        => Assert.That(
            () => Load(t => t, config: c => c with { AspectRatios = [1] }),
            Throws.TypeOf<WeightsException>().With.Message.Contains("3 anchors"));

    [Test]
    public void Anchor_sizes_for_too_few_levels_are_refused()
        => Assert.That(
            () => Load(t => t, config: c => c with { AnchorSizes = [[16], [32]] }),
            Throws.TypeOf<WeightsException>().With.Message.Contains("2 levels"));

    private static NUnit.Framework.Constraints.ContainsConstraint Fails(string name)
        => Throws.TypeOf<WeightsException>().With.Message.Contains(name);

    private void Load(Func<NamedTensor, NamedTensor?> change, Func<ModelConfiguration, ModelConfiguration>? config = null)
    {
        using var device = Device.Open("cpu");
        using var detector = Detector.Load(device, Write(change, config));
    }

    private string Write(Func<NamedTensor, NamedTensor?> change, Func<ModelConfiguration, ModelConfiguration>? config = null)
    {
        var path = Path.Combine(folder, "model.safetensors");
        using (var shipped = ShippedModel.Open())
        {
            var tensors = shipped.Tensors.Values.Select(t => change(new NamedTensor(t.Name, [.. t.Shape], t.ToArray())))
                .OfType<NamedTensor>().Select(t => (t.Name, t.Shape, t.Values));
            var configuration = (config ?? (c => c))(ModelConfiguration.Of(shipped));
            Safetensors.Write(
                path, tensors, DataType.F32, new Dictionary<string, string> { [ModelConfiguration.MetadataKey] = configuration.ToJson() });
        }
        return path;
    }

    private sealed record NamedTensor(string Name, int[] Shape, float[] Values);
}
