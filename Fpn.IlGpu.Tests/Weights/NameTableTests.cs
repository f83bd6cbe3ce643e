using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Weights;

/// <summary>Names from every source become torchvision's newest; conventions are recognised by names and shapes.</summary>
public sealed class NameTableTests
{
    [TestCase("backbone.fpn.inner_blocks.2.weight", "backbone.fpn.inner_blocks.2.0.weight")]
    [TestCase("backbone.fpn.inner_blocks.2.0.weight", "backbone.fpn.inner_blocks.2.0.weight")]
    [TestCase("backbone.fpn.layer_blocks.0.bias", "backbone.fpn.layer_blocks.0.0.bias")]
    [TestCase("rpn.head.conv.weight", "rpn.head.conv.0.0.weight")]
    [TestCase("rpn.head.conv.0.0.weight", "rpn.head.conv.0.0.weight")]
    [TestCase("roi_heads.mask_head.mask_fcn4.bias", "roi_heads.mask_head.3.0.bias")]
    [TestCase("head.classification_head.conv.6.weight", "head.classification_head.conv.3.0.weight")]
    [TestCase("head.regression_head.conv.2.bias", "head.regression_head.conv.1.0.bias")]
    [TestCase("head.regression_head.conv.2.0.bias", "head.regression_head.conv.2.0.bias")]
    [TestCase("backbone.body.layer1.0.conv1.weight", "backbone.body.layer1.0.conv1.weight")]
    public void Older_torchvision_names_become_the_newest(string name, string expected)
        => Assert.That(NameTables.Torchvision.Rename(name), Is.EqualTo(expected));

    [TestCase("backbone.bottom_up.stem.conv1.weight", "backbone.body.conv1.weight")]
    [TestCase("backbone.bottom_up.stem.conv1.norm.running_var", "backbone.body.bn1.running_var")]
    [TestCase("backbone.bottom_up.res4.22.conv2.weight", "backbone.body.layer3.22.conv2.weight")]
    [TestCase("backbone.bottom_up.res5.0.conv3.norm.bias", "backbone.body.layer4.0.bn3.bias")]
    [TestCase("backbone.bottom_up.res2.0.shortcut.weight", "backbone.body.layer1.0.downsample.0.weight")]
    [TestCase("backbone.bottom_up.res2.0.shortcut.norm.running_mean", "backbone.body.layer1.0.downsample.1.running_mean")]
    [TestCase("backbone.fpn_lateral2.weight", "backbone.fpn.inner_blocks.0.0.weight")]
    [TestCase("backbone.fpn_output5.bias", "backbone.fpn.layer_blocks.3.0.bias")]
    [TestCase("proposal_generator.rpn_head.anchor_deltas.weight", "rpn.head.bbox_pred.weight")]
    [TestCase("roi_heads.box_head.fc1.weight", "roi_heads.box_head.fc6.weight")]
    [TestCase("roi_heads.box_predictor.bbox_pred.bias", "roi_heads.box_predictor.bbox_pred.bias")]
    [TestCase("roi_heads.mask_head.deconv.weight", "roi_heads.mask_predictor.conv5_mask.weight")]
    [TestCase("proposal_generator.anchor_generator.cell_anchors.3", null)]
    [TestCase("pixel_mean", null)]
    public void Detectron2_names_become_those_of_torchvision(string name, string? expected)
        => Assert.That(NameTables.Detectron2.Rename(name), Is.EqualTo(expected));

    [TestCase("conv1_w", "backbone.body.conv1.weight")]
    [TestCase("res_conv1_bn_s", "backbone.body.bn1.weight")]
    [TestCase("res3_3_branch2b_w", "backbone.body.layer2.3.conv2.weight")]
    [TestCase("res3_3_branch2b_bn_b", "backbone.body.layer2.3.bn2.bias")]
    [TestCase("res5_0_branch1_bn_s", "backbone.body.layer4.0.downsample.1.weight")]
    [TestCase("fpn_inner_res5_2_sum_w", "backbone.fpn.inner_blocks.3.0.weight")]
    [TestCase("fpn_inner_res4_5_sum_lateral_b", "backbone.fpn.inner_blocks.2.0.bias")]
    [TestCase("fpn_res2_2_sum_w", "backbone.fpn.layer_blocks.0.0.weight")]
    [TestCase("rpn_bbox_pred_fpn2_w", "rpn.head.bbox_pred.weight")]
    [TestCase("fc7_b", "roi_heads.box_head.fc7.bias")]
    [TestCase("_[mask]_fcn1_w", "roi_heads.mask_head.0.0.weight")]
    public void Caffe2_names_become_those_of_torchvision(string name, string expected)
        => Assert.That(NameTables.Caffe2.Rename(name), Is.EqualTo(expected));

    // torchvision's first weights for COCO all have a frozen ResNet-50; every other model has the usual epsilon.
    [TestCase(new[] { 64, 64, 3, 3 }, 6, "", 0)]
    [TestCase(new[] { 64, 64, 3, 3 }, 6, "backbone.body.bn1.num_batches_tracked", 1e-5f)]
    [TestCase(new[] { 64, 64, 3, 3 }, 6, "backbone.fpn.inner_blocks.0.1.weight", 1e-5f)]
    [TestCase(new[] { 64, 64, 3, 3 }, 23, "", 1e-5f)]
    [TestCase(new[] { 128, 128, 3, 3 }, 6, "", 1e-5f)]
    [TestCase(new[] { 128, 4, 3, 3 }, 6, "", 1e-5f)]
    public void Only_torchvisions_frozen_resnet_50_has_no_epsilon(int[] window, int depth, string more, float epsilon)
    {
        var tensors = new List<StateTensor>
        {
            Tensor("backbone.body.layer1.0.conv2.weight", window),
            Tensor("roi_heads.box_predictor.cls_score.weight", [1]),
        };
        tensors.AddRange(Enumerable.Range(0, depth).Select(b => Tensor($"backbone.body.layer3.{b}.conv3.weight", [1])));
        if (more.Length > 0)
            tensors.Add(Tensor(more, [1]));
        var state = Checkpoint.Understand(new StateDictionary("file", tensors));
        Assert.That(Configuration(state).BatchNormEpsilon, Is.EqualTo(epsilon));
        Assert.That(state.Tensors.Keys, Has.None.EndsWith("num_batches_tracked"));

        static StateTensor Tensor(string name, int[] shape)
            => StateTensor.FromValues(name, shape, new float[shape.Aggregate(1, (a, b) => a * b)]);
    }

    [Test]
    public void Anchors_and_pixel_scaling_in_a_Detectron2_file_are_used()
    {
        StateDictionary Open(float[] cells, float[] std) => Checkpoint.Understand(new StateDictionary("file",
        [
            StateTensor.FromValues("backbone.bottom_up.stem.conv1.weight", [1], new float[1]),
            StateTensor.FromValues("proposal_generator.rpn_head.conv.weight", [1], new float[1]),
            StateTensor.FromValues("proposal_generator.anchor_generator.cell_anchors.0", [cells.Length / 4, 4], cells),
            StateTensor.FromValues("pixel_std", [3, 1, 1], std),
        ]));
        var configuration = Configuration(Open([-8, -8, 8, 8, -16, -4, 16, 4], [2, 3, 4]));
        Assert.Multiple(() =>
        {
            Assert.That(configuration.AnchorSizes, Is.EqualTo(new float[][] { [16] }));
            Assert.That(configuration.Std, Is.EqualTo(new float[] { 2, 3, 4 }));
            Assert.That(
                () => Open([-8, -8, 8, 8, -16, -16, 16, 16], [1, 1, 1]),
                Throws.TypeOf<WeightsException>().With.Message.Contains("2 sizes"));
            Assert.That(() => Open([-8, -8, 8, 8], [1, 0, 1]), Throws.TypeOf<WeightsException>().With.Message.Contains("pixel_std"));
        });
    }

    [Test]
    public void A_malformed_configuration_is_refused()
        => Assert.That(
            () => Understand(["rpn.head.conv.weight"], "garbage"), Throws.TypeOf<WeightsException>().With.Message.StartsWith("file: "));

    [TestCase("head.classification_head.conv.0.weight", DetectorKind.RetinaNet)]
    [TestCase("roi_heads.mask_predictor.mask_fcn_logits.weight", DetectorKind.MaskRcnn)]
    [TestCase("roi_heads.box_predictor.cls_score.weight", DetectorKind.FasterRcnn)]
    [TestCase("rpn.head.conv.weight", DetectorKind.ProposalNetwork)]
    public void Detectors_are_recognised_by_their_heads(string name, string kind)
        => Assert.That(Configuration(Understand([name])).Detector, Is.EqualTo(kind));

    [Test]
    public void RetinaNet_has_three_anchors_per_octave_truncated_to_whole_px()
        => Assert.That(
            Configuration(Understand(["head.classification_head.conv.0.weight"])).AnchorSizes,
            Is.EqualTo(new float[][] { [32, 40, 50], [64, 80, 101], [128, 161, 203], [256, 322, 406], [512, 645, 812] }));

    [Test]
    public void Caffe2_batch_norms_get_the_mean_and_variance_that_they_imply()
    {
        var state = Understand(["res2_0_branch2a_w", "res2_0_branch2a_bn_s", "res2_0_branch2a_bn_b", "rpn_cls_logits_fpn2_w"]);
        Assert.Multiple(() =>
        {
            Assert.That(state["backbone.body.layer1.0.bn1.running_mean"].ToArray(), Is.All.Zero);
            Assert.That(state["backbone.body.layer1.0.bn1.running_var"].ToArray(), Is.All.EqualTo(1));
            Assert.That(Configuration(state).BatchNormEpsilon, Is.Zero);
            Assert.That(Configuration(state).Bgr, Is.True);
        });
    }

    [Test]
    public void Overrides_take_precedence_over_implied_and_stated_values()
    {
        var implied = Understand(["rpn.head.conv.weight"], overrides: """{"min_size": 320}""");
        var stated = Understand(
            ["rpn.head.conv.weight"], """{"detector": "rpn", "min_size": 600, "max_size": 700}""", """{"min_size": 320}""");
        Assert.Multiple(() =>
        {
            Assert.That(Configuration(implied).MinSize, Is.EqualTo(320));
            Assert.That((Configuration(stated).MinSize, Configuration(stated).MaxSize), Is.EqualTo((320, 700)));
        });
    }

    [Test]
    public void An_unknown_key_is_named()
        => Assert.That(
            () => Understand(["rpn.head.conv.weight"], overrides: """{"minsize": 320}"""),
            Throws.TypeOf<WeightsException>().With.Message.Contains("'minsize'").And.Message.StartsWith("file: "));

    [Test]
    public void Tensors_that_belong_to_no_detector_are_named()
        => Assert.That(
            () => Understand(["encoder.weight", "decoder.weight"]),
            Throws.TypeOf<WeightsException>().With.Message.Contains("no detector").And.Message.Contains("'encoder.weight'"));

    [Test]
    public void Two_names_for_one_tensor_are_refused()
        => Assert.That(
            () => Understand(["rpn.head.conv.weight", "rpn.head.conv.0.0.weight"]),
            Throws.TypeOf<WeightsException>().With.Message.Contains("'rpn.head.conv.0.0.weight'"));

    private static ModelConfiguration Configuration(StateDictionary state) => ModelConfiguration.Of(state);

    private static StateDictionary Understand(string[] names, string? configuration = null, string? overrides = null)
    {
        var metadata = configuration is null ? null : new Dictionary<string, string> { [ModelConfiguration.MetadataKey] = configuration };
        return Checkpoint.Understand(
            new StateDictionary("file", names.Select(name => StateTensor.FromValues(name, [2], new float[2])), metadata), ModelOptions.OfJson(overrides));
    }
}
