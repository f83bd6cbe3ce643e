using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Weights;

/// <summary>What training programs put around a state dictionary, and around the names in it.</summary>
public sealed class CheckpointWrapperTests
{
    private const string Own = "rpn.head.cls_logits.weight";

    private static readonly string[] Rpn = ["backbone.body.conv1.weight", "backbone.fpn.inner_blocks.0.0.weight", Own];

    [TestCase("net")]
    [TestCase("weights")]
    [TestCase("params")]
    [TestCase("model_state")]
    [TestCase("model_state_dict")]
    [TestCase("network")]
    public void A_state_dictionary_is_found_under_the_keys_that_scripts_use(string key)
        => Assert.That(Names(Checkpoint(key, Rpn)), Is.EqualTo(Rpn));

    [Test]
    public void Lightning_checkpoints_are_read()
        => Assert.That(Names(Checkpoint("state_dict", [.. Rpn.Select(name => $"model.{name}")])), Is.EqualTo(Rpn));

    [TestCase("_orig_mod.")]
    [TestCase("module.")]
    [TestCase("net.")]
    [TestCase("model._orig_mod.")]
    [TestCase("module._orig_mod.")]
    [TestCase("lit.detector.")]
    public void A_prefix_before_every_name_is_removed(string prefix)
        => Assert.That(Understand([.. Rpn.Select(name => prefix + name)]).Tensors.Keys, Is.EqualTo(Rpn));

    [Test]
    public void A_part_that_was_compiled_alone_is_read()
        => Assert.That(
            Understand([.. Rpn.Select(name => name.Replace("backbone.", "backbone._orig_mod.", StringComparison.Ordinal))]).Tensors.Keys,
            Is.EqualTo(Rpn));

    [Test]
    public void The_network_is_taken_and_not_its_moving_average()
    {
        string[] both = [.. Rpn.Select(name => $"model.{name}"), .. Rpn.Select(name => $"ema.{name}")];
        Assert.That(Understand(both, """{ "detector": "rpn" }""").Tensors.Keys, Is.SupersetOf(Rpn).And.SupersetOf(both[3..]));
    }

    [Test]
    public void Of_two_networks_the_prefix_names_one()
    {
        string[] both = [.. Rpn.Select(name => $"student.{name}"), .. Rpn.Select(name => $"other.{name}")];
        Assert.That(
            () => Understand(both),
            Throws.TypeOf<WeightsException>().With.Message.Contains("2 networks").And.Message.Contains("'student.', 'other.'")
                .And.Message.Contains("prefix"));
        foreach (var prefix in (string[])["student.", "student"])
        {
            var state = Understand(both, $$"""{ "prefix": "{{prefix}}", "detector": "rpn", "min_size": 99 }""");
            Assert.That(state.Tensors.Keys.Take(3), Is.EqualTo(Rpn));
            Assert.That(ModelConfiguration.Of(state).MinSize, Is.EqualTo(99), "the other keys are set, too");
        }
    }

    [Test]
    public void A_prefix_that_no_name_has_is_refused()
        => Assert.That(
            () => Understand(Rpn, """{ "prefix": "student." }"""),
            Throws.TypeOf<WeightsException>().With.Message.Contains("'student.'").And.Message.Contains("'backbone.body.conv1.weight'"));

    [Test]
    public void A_file_without_a_box_predictor_is_not_silently_an_rpn()
    {
        string[] cut = [.. Rpn, "roi_heads.box_head.fc6.weight"];
        Assert.That(
            () => Understand(cut),
            Throws.TypeOf<WeightsException>().With.Message.Contains("no box predictor ('roi_heads.box_predictor.cls_score.weight')")
                .And.Message.Contains("'roi_heads.box_head.fc6.weight'").And.Message.EndsWith("set 'detector' to rpn."));
        Assert.That(ModelConfiguration.Of(Understand(cut, """{ "detector": "rpn" }""")).Detector, Is.EqualTo(DetectorKind.ProposalNetwork));
    }

    [Test]
    public void A_head_under_another_name_is_not_silently_left_out()
        => Assert.That(
            () => Understand([.. Rpn, "classifier.weight"]),
            Throws.TypeOf<WeightsException>().With.Message.Contains("no box predictor").And.Message.Contains("'classifier.weight'"));

    [TestCase("conv1.weight", "layer1.0.conv1.weight")]
    [TestCase("backbone.body.conv1.weight", "backbone.fpn.inner_blocks.0.0.weight")]
    public void A_backbone_alone_is_refused_as_a_detector(params string[] names)
        => Assert.That(
            () => Understand(names),
            Throws.TypeOf<WeightsException>().With.Message.Contains("holds a backbone without a detector's heads")
                .And.Message.Contains("network.weights"));

    private static byte[] Checkpoint(string key, string[] names)
    {
        var pickle = new PickleWriter().Dictionary(w =>
        {
            w.Text("epoch").Int(3).Text(key).Dictionary(inner =>
            {
                foreach (var name in names)
                    inner.Text(name).Tensor("0", 2, 0, [2], [1]);
            });
        }).End();
        return Checkpoints.Zip(pickle, Checkpoints.Floats(1, 2));
    }

    private static IEnumerable<string> Names(byte[] file)
    {
        using var state = Fpn.IlGpu.Weights.Checkpoint.Understand(Checkpoints.Open(file));
        return [.. state.Tensors.Keys];
    }

    private static StateDictionary Understand(string[] names, string? overrides = null) => Fpn.IlGpu.Weights.Checkpoint.Understand(
        new StateDictionary("file", names.Select(name => StateTensor.FromValues(name, [2], new float[2]))), ModelOptions.OfJson(overrides));
}
