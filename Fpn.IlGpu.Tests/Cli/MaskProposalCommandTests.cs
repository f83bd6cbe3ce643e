using System.Text.Json.Nodes;

namespace Fpn.IlGpu.Tests.Cli;

/// <summary><c>fpn train</c>, <c>fpn proposals --masks</c> and <c>fpn eval --kind segm</c> with a network that proposes masks.</summary>
internal sealed class MaskProposalCommandTests : CommandTest
{
    private const string Training = """
        {
          "data": { "shapes": { "width": 64, "height": 64, "count": 4, "smallest": 8, "largest": 50 } },
          "network": { "layout": "resnet18", "widths": [8, 8, 8, 8], "pyramid_channels": 8, "window_channels": 16, "mask_side": 8 },
          "schedule": { "steps": 2, "batch": 2 },
          "mask_proposals": { "samples": 32, "mask_weight": 5 },
          "model": { "detector": "mask-proposals", "min_size": 64, "max_size": 64, "anchor_sizes": [8, 16, 32, 64, 128], "rpn_post_nms_top_n": 50 }
        }
        """;

    [Test]
    public void Masks_are_learned_proposed_drawn_and_evaluated()
    {
        File.WriteAllText(At("training.json"), Training);
        Fpn("train", "training.json", "--out", "run").AssertExit(0);
        Fpn("shapes", "held", "--count", "2", "--seed", "500000", "--size", "64x64", "--largest", "50").AssertExit(0);
        string[] data = ["--truth", "held/instances.json", "--images", "held/pictures", "--model", "run/model.safetensors"];

        // The threshold lets hardly trained masks have pixels.
        var written = Fpn(["proposals", .. data, "--masks", "--set", "mask_thresh=0.3", "--out", "masks.json"]);
        written.AssertExit(0);
        Assert.That(written.Output, Does.Match(@"2 pictures, \d+ proposals \(\d+ a second\): masks\.json"));
        var masks = JsonNode.Parse(File.ReadAllText(At("masks.json")))!.AsArray();
        Assert.That(masks, Has.Count.InRange(3, 100));
        Assert.That(masks[0]!.AsObject().Select(p => p.Key), Is.EquivalentTo(new[] { "image_id", "bbox", "score", "segmentation" }));
        Assert.That(masks[0]!["segmentation"]!["size"]!.ToJsonString(), Is.EqualTo("[64,64]"));
        var figures = FpnProcess.Run(
            Folder, "eval", "--truth", "held/instances.json", "--results", "masks.json", "--proposals", "--kind", "segm", "--json", "-");
        figures.AssertExit(0);
        Assert.That(JsonNode.Parse(figures.Output)!.ToJsonString(), Does.Contain("AR@1000 small"));

        Fpn(["proposals", .. data, "--set", "mask_thresh=0.3", "--out", "boxes.json"]).AssertExit(0);
        var boxes = JsonNode.Parse(File.ReadAllText(At("boxes.json")))!.AsArray();
        Assert.That(boxes.Select(b => b!["bbox"]!.ToJsonString()), Is.EqualTo(masks.Select(m => m!["bbox"]!.ToJsonString())));
        Assert.That(boxes[0]!["segmentation"], Is.Null);

        Fpn(["eval", .. data, "--proposals", "--kind", "both"]).AssertExit(0);
        Fpn(["eval", .. data]).AssertOneError("evaluate it with --proposals");
        Fpn("detect", "held/pictures", "--model", "run/model.safetensors", "--out", "drawn").AssertExit(0);
        Assert.That(FilesIn("drawn"), Has.Length.EqualTo(2));
        var info = Fpn("weights", "info", "run/model.safetensors");
        info.AssertExit(0);
        Assert.That(info.Output, Does.Contain("windows of 5×5 and 7×7 to 16 channels, masks of 8×8"));
    }

    [Test]
    public void Masks_of_a_model_that_proposes_boxes_are_refused()
    {
        Fpn("shapes", "held", "--count", "1", "--seed", "500000", "--size", "64x64", "--largest", "50").AssertExit(0);
        Fpn("proposals", "--truth", "held/instances.json", "--images", "held/pictures", "--masks", "--out", "masks.json")
            .AssertOneError("only a model of the kind mask-proposals proposes masks");
    }
}
