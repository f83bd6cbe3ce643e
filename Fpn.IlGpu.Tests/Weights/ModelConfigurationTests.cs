using System.Globalization;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Weights;

public class ModelConfigurationTests
{
    [TestCase(null)]
    [TestCase("{}")]
    public void Absent_keys_have_the_defaults_of_torchvision(string? json)
    {
        var c = ModelConfiguration.Parse(json);
        Assert.That(c.AnchorSizes, Is.EqualTo(new float[][] { [32], [64], [128], [256], [512] }));
        Assert.That((c.MinSize, c.MaxSize, c.SizeDivisor), Is.EqualTo((800, 1333, 32)));
        Assert.That(
            (c.RpnPreNmsTopN, c.RpnPostNmsTopN, c.RpnNmsThreshold, c.RpnScoreThreshold),
            Is.EqualTo((1000, 1000, 0.7f, 0f)));
        Assert.That((c.BoxScoreThreshold, c.BoxNmsThreshold, c.BoxDetectionsPerImage), Is.EqualTo((0.05f, 0.5f, 100)));
        Assert.That(c.BoxWeights, Is.EqualTo(new[] { 10f, 10, 5, 5 }));
        Assert.That((c.TopkCandidates, c.MaskThreshold, c.MaskBoxRounded, c.ResizeRounds), Is.EqualTo((1000, 0.5f, true, false)));
        Assert.That(c.Classes, Is.Null);
        Assert.That(
            (c.Bgr, c.StrideInFirstConvolution, c.RoundAnchors, c.RoiAligned, c.BackgroundLast),
            Is.EqualTo((false, false, true, false, false)));
        Assert.That(
            (c.PixelScale, c.BatchNormEpsilon, c.RoiSamplingRatio, c.RoiLevelEpsilon),
            Is.EqualTo((1f / 255, 1e-5f, 2, 1e-6f)));
        Assert.That((c.RoiCanonicalSide, c.RoiCanonicalLevel), Is.EqualTo((224f, 4)));
    }

    [Test]
    public void Every_key_is_read_and_written()
    {
        var c = ModelConfiguration.Parse(
            """
            {"detector": "retinanet", "mean": [103.53, 116.28, 123.675], "std": [1, -1, 1], "anchor_sizes": [[32, 40.5], 64],
             "aspect_ratios": [1], "min_size": 1, "max_size": 2, "resize_rounds": true, "size_divisible": 1, "rpn_pre_nms_top_n": 3,
             "rpn_post_nms_top_n": 4, "rpn_nms_thresh": 1, "rpn_score_thresh": 0.5, "box_score_thresh": 0,
             "box_nms_thresh": 0.25, "box_detections_per_img": 5, "bbox_reg_weights": [1, 2, 3, 4],
             "topk_candidates": 6, "mask_thresh": 0.75, "mask_box_rounded": false,
             "classes": ["dog", "größer"], "bgr": true, "pixel_scale": 1, "stride_in_first_convolution": true,
             "batch_norm_eps": 0, "round_anchors": false, "roi_aligned": true, "roi_sampling_ratio": 0, "roi_level_eps": 1e-8,
             "roi_canonical_side": 56.5, "roi_canonical_level": 3,
             "background_last": true}
            """);
        var back = ModelConfiguration.Parse(c.ToJson());
        foreach (var each in (ModelConfiguration[])[c, back])
        {
            Assert.That(each.Detector, Is.EqualTo("retinanet"));
            Assert.That(each.Mean, Is.EqualTo(new[] { 103.53f, 116.28f, 123.675f }));
            Assert.That(each.Std, Is.EqualTo(new[] { 1f, -1, 1 }));
            Assert.That(each.AnchorSizes, Is.EqualTo(new float[][] { [32, 40.5f], [64] }));
            Assert.That(each.AspectRatios, Is.EqualTo(new[] { 1f }));
            Assert.That((each.MinSize, each.MaxSize, each.SizeDivisor), Is.EqualTo((1, 2, 1)));
            Assert.That(
                (each.RpnPreNmsTopN, each.RpnPostNmsTopN, each.RpnNmsThreshold, each.RpnScoreThreshold),
                Is.EqualTo((3, 4, 1f, 0.5f)));
            Assert.That(
                (each.BoxScoreThreshold, each.BoxNmsThreshold, each.BoxDetectionsPerImage),
                Is.EqualTo((0f, 0.25f, 5)));
            Assert.That(each.BoxWeights, Is.EqualTo(new[] { 1f, 2, 3, 4 }));
            Assert.That(
                (each.TopkCandidates, each.MaskThreshold, each.MaskBoxRounded, each.ResizeRounds),
                Is.EqualTo((6, 0.75f, false, true)));
            Assert.That(each.Classes, Is.EqualTo(new[] { "dog", "größer" }));
            Assert.That(
                (each.Bgr, each.StrideInFirstConvolution, each.RoundAnchors, each.RoiAligned, each.BackgroundLast),
                Is.EqualTo((true, true, false, true, true)));
            Assert.That(
                (each.PixelScale, each.BatchNormEpsilon, each.RoiSamplingRatio, each.RoiLevelEpsilon),
                Is.EqualTo((1f, 0f, 0, 1e-8f)));
            Assert.That((each.RoiCanonicalSide, each.RoiCanonicalLevel), Is.EqualTo((56.5f, 3)));
            Assert.That(each.UnknownKeys, Is.Empty);
        }
    }

    [Test]
    public void Defaults_survive_the_round_trip_through_json()
    {
        var json = new ModelConfiguration().ToJson();
        Assert.That(ModelConfiguration.Parse(json).ToJson(), Is.EqualTo(json));
    }

    [Test]
    public void Unknown_keys_are_listed_separately()
    {
        var c = ModelConfiguration.Parse("""{"trained_on": {"set": ["coco"]}, "min_size": 5}""");
        Assert.That(c.UnknownKeys, Is.EqualTo(new[] { "trained_on" }));
        Assert.That(c.MinSize, Is.EqualTo(5));
    }

    [TestCase("detector", "1")]
    [TestCase("detector", "\"\"")]
    [TestCase("mean", "[1,2]")]
    [TestCase("mean", "[1,2,\"3\"]")]
    [TestCase("mean", "[1,2,1e39]")]
    [TestCase("std", "[1,0,1]")]
    [TestCase("std", "[1,1,1,1]")]
    [TestCase("std", "[1e-46,1,1]")]
    [TestCase("anchor_sizes", "[]")]
    [TestCase("anchor_sizes", "32")]
    [TestCase("anchor_sizes", "[0]")]
    [TestCase("anchor_sizes", "[[32],[]]")]
    [TestCase("anchor_sizes", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]")]
    [TestCase("aspect_ratios", "[]")]
    [TestCase("aspect_ratios", "[1,-1]")]
    [TestCase("aspect_ratios", "[[1]]")]
    [TestCase("min_size", "0")]
    [TestCase("min_size", "-800")]
    [TestCase("min_size", "800.5")]
    [TestCase("min_size", "\"800\"")]
    [TestCase("min_size", "99999999999")]
    [TestCase("max_size", "null")]
    [TestCase("size_divisible", "0")]
    [TestCase("rpn_pre_nms_top_n", "0")]
    [TestCase("rpn_post_nms_top_n", "-1")]
    [TestCase("rpn_nms_thresh", "1.5")]
    [TestCase("rpn_score_thresh", "-0.1")]
    [TestCase("box_score_thresh", "2")]
    [TestCase("box_nms_thresh", "true")]
    [TestCase("box_detections_per_img", "1e9")]
    [TestCase("bbox_reg_weights", "[10,10,5]")]
    [TestCase("bbox_reg_weights", "[10,10,5,0]")]
    [TestCase("classes", "[]")]
    [TestCase("classes", "[1]")]
    [TestCase("classes", "\"dog\"")]
    [TestCase("bgr", "1")]
    [TestCase("pixel_scale", "0")]
    [TestCase("batch_norm_eps", "-1e-5")]
    [TestCase("roi_sampling_ratio", "-1")]
    [TestCase("background_last", "\"true\"")]
    public void An_invalid_value_is_named_with_its_key(string key, string value)
    {
        var refused = Assert.Throws<WeightsException>(() => ModelConfiguration.Parse($"{{\"{key}\": {value}}}"));
        Assert.That(
            refused!.Message,
            Does.StartWith($"The configuration's {key} is '{value}', but must be ").And.EndsWith("."));
    }

    [TestCase("")]
    [TestCase("[]")]
    [TestCase("{")]
    [TestCase("{\"min_size\": NaN}")]
    [TestCase("{\"min_size\": 1, \"min_size\": 2}")]
    [TestCase("{\"detector\": \"\\ud800\"}")]
    [TestCase("{\"\\ud800\": 1}")]
    [TestCase("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[")]
    public void Text_that_is_not_a_json_object_is_refused(string json)
        => Assert.That(
            () => ModelConfiguration.Parse(json),
            Throws.TypeOf<WeightsException>().With.Message.StartsWith("The configuration '"));

    [Test]
    public void The_message_also_names_the_file()
    {
        using var weights = new StateDictionary(
            "model.safetensors", [], new Dictionary<string, string> { [ModelConfiguration.MetadataKey] = "{\"min_size\": 0}" });
        Assert.That(
            () => ModelConfiguration.Of(weights),
            Throws.TypeOf<WeightsException>().With.Message.StartsWith("model.safetensors: The configuration's min_size is '0'"));
    }

    [Test]
    public void Numbers_in_messages_do_not_depend_on_the_culture()
    {
        var before = CultureInfo.CurrentCulture;
        CultureInfo.CurrentCulture = new CultureInfo("de-DE");
        try
        {
            Assert.That(
                () => ModelConfiguration.Parse("{\"aspect_ratios\": [0.0001]}"),
                Throws.TypeOf<WeightsException>().With.Message.Contains("0.001"));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }
}
