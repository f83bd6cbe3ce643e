using System.Text.Json.Nodes;

namespace Fpn.IlGpu.Tests.Cli;

/// <summary><c>fpn ablate</c>, <c>fpn proposals</c>, and Fast R-CNN with given proposals.</summary>
internal sealed class AblateTests : CommandTest
{
    private const string Common = """
        {
          "data": { "shapes": { "width": 64, "height": 64, "count": 4, "smallest": 8, "largest": 50 } },
          "network": { "layout": "resnet18", "widths": [8, 8, 8, 8], "pyramid_channels": 8, "head_channels": 16 },
          "schedule": { "steps": 2, "batch": 2 },
          "rpn": { "pre_nms_top_n": 100, "post_nms_top_n": 50, "samples": 32 },
          "model": { "min_size": 64, "max_size": 64, "anchor_sizes": [8, 16, 32, 64, 128] }
        }
        """;

    [Test]
    public void Rows_are_shown_with_those_of_the_paper_in_80_columns()
    {
        File.WriteAllText(At("common.json"), Common);
        var result = Fpn("ablate", "common.json", "--out", "runs", "--rows", "ac", "--seeds", "2", "--held", "4");

        result.AssertExit(0);
        Assert.That(result.Output, Does.Match("table 1, row a, seed 0: AR10 ").And.Match("table 2, row c, seed 1: AP50 "));
        Assert.That(result.Output, Does.Match(@"a single map C4( +[\d.]+±[\d.]+){5} +-\s+in the paper +36\.1 "));
        Assert.That(result.Output, Does.Match(@"c FPN( +[\d.]+±[\d.]+){4} +-\s+in the paper +56\.9 +33\.9 "));
        var lines = result.Output.Split('\n');
        Assert.That(lines.Where(line => line.StartsWith("a ", StringComparison.Ordinal)), Has.All.Length.LessThan(80));
        Assert.That(FilesIn("runs"), Does.Contain(Path.Combine("table2-a", "seed1", "model.safetensors")));
    }

    [TestCase("--rows", "g", "--rows is 'g'")]
    [TestCase("--tables", "4", "--tables is '4'")]
    [TestCase("--seeds", "0", "--seeds is '0'; it must be a whole number from 1 to 1000")]
    public void Unknown_rows_and_tables_and_invalid_seeds_are_refused(string option, string value, string expected)
    {
        File.WriteAllText(At("common.json"), Common);
        var result = Fpn("ablate", "common.json", option, value);

        result.AssertExit(2);
        Assert.That(result.Error, Does.Contain(expected));
    }

    [Test]
    public void Proposals_are_written_and_fast_rcnn_is_evaluated_with_them()
    {
        Fpn("shapes", "held", "--count", "2", "--seed", "500000", "--size", "64x64", "--largest", "50").AssertExit(0);
        var written = Fpn("proposals", "--truth", "held/instances.json", "--images", "held/pictures", "--out", "p.json");
        written.AssertExit(0);
        var proposals = JsonNode.Parse(File.ReadAllText(At("p.json")))!.AsArray();
        Assert.That(proposals, Has.Count.GreaterThan(2));
        Assert.That(proposals[0]!.AsObject().Select(p => p.Key), Is.EquivalentTo(new[] { "image_id", "bbox", "score" }));
        Assert.That(proposals.Select(p => (int)p!["image_id"]!).Distinct(), Is.EquivalentTo(new[] { 1, 2 }));

        var configuration = Common
            .Replace("\"count\": 4", "\"first_seed\": 500000, \"count\": 2", StringComparison.Ordinal)
            .Replace("\"data\": {", "\"data\": { \"proposals\": \"p.json\",", StringComparison.Ordinal)
            .Replace("\"model\": {", "\"model\": { \"detector\": \"fast-rcnn\",", StringComparison.Ordinal);
        File.WriteAllText(At("fast.json"), configuration);
        Fpn("train", "fast.json", "--out", "fast").AssertExit(0);
        string[] evaluation = ["eval", "--truth", "held/instances.json", "--images", "held/pictures", "--model", "fast/model.safetensors"];
        Fpn([.. evaluation, "--from-proposals", "p.json"]).AssertExit(0);

        var without = Fpn(evaluation);
        without.AssertExit(1);
        Assert.That(without.Error, Does.Contain("--from-proposals"));
        var wrong = Fpn([.. evaluation[..5], "--proposals", "--from-proposals", "p.json"]);
        wrong.AssertExit(2);
        Assert.That(wrong.Error, Does.Contain("neither --results nor --proposals"));
    }
}
