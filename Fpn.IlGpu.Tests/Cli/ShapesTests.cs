using System.Text.Json;
using System.Text.Json.Nodes;
using Fpn.IlGpu.Data;
using Fpn.IlGpu.Experiments.Scenes;
using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Tests.Cli;

/// <summary><c>fpn shapes</c>.</summary>
internal sealed class ShapesTests : CommandTest
{
    [Test]
    public void Pictures_and_annotations_equal_those_of_the_generator()
    {
        var result = Fpn("shapes", "out/set", "--count", "3", "--seed", "500000", "--size", "97x64", "--largest", "50");

        result.AssertExit(0);
        var set = CocoAnnotations.Read(At("out/set/instances.json"), At("out/set/pictures"), masks: true);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                FilesIn("out/set"),
                Is.EqualTo(new[] { "instances.json", "pictures/500000.png", "pictures/500001.png", "pictures/500002.png" }));
            Assert.That(set.Problems.Total, Is.Zero);
            Assert.That(set.Categories.Select(category => category.Name), Is.EqualTo(SyntheticShapes.Classes));
            Assert.That(set.Pictures, Has.Count.EqualTo(3));
            Assert.That(result.Output, Does.Contain($"3 pictures, {set.Pictures.Sum(p => p.Objects.Count)} shapes"));
        }
        for (var i = 0; i < 3; i++)
        {
            var scene = SyntheticShapes.Scene(500000 + (ulong)i, 97, 64, new SyntheticShapesOptions { LargestPx = 50 });
            Assert.That(PictureReader.Read(set.PathOf(set.Pictures[i])).Pixels, Is.EqualTo(scene.Image.Pixels));
            Assert.That(
                set.Pictures[i].Objects.Select(o => (o.ClassIndex, o.BoxImagePx.X1, o.BoxImagePx.Y1, o.BoxImagePx.X2, o.BoxImagePx.Y2)),
                Is.EqualTo(scene.Shapes.Select(s => (s.ClassIndex, (float)s.X1, (float)s.Y1, (float)s.X2, (float)s.Y2))));
            Assert.That(set.Pictures[i].Objects.Select(o => o.Mask), Is.EqualTo(scene.Masks));
        }
        using var json = JsonDocument.Parse(File.ReadAllText(At("out/set/instances.json")));
        Assert.That(json.RootElement.GetProperty("annotations")[0].GetProperty("id").GetInt32(), Is.EqualTo(1));
    }

    [Test]
    public void Masks_are_there_to_evaluate()
    {
        Fpn("shapes", "set", "--count", "4", "--size", "97x64", "--largest", "50").AssertExit(0);
        var truth = JsonNode.Parse(File.ReadAllText(At("set/instances.json")))!["annotations"]!.AsArray();
        var results = new JsonArray([.. truth.Select(entry => new JsonObject
        {
            ["image_id"] = (long)entry!["image_id"]!,
            ["category_id"] = (long)entry["category_id"]!,
            ["segmentation"] = entry["segmentation"]!.DeepClone(),
            ["score"] = 0.9,
        })]);
        File.WriteAllText(At("results.json"), results.ToJsonString());

        var result = FpnProcess.Run(Folder, "eval", "--truth", "set/instances.json", "--results", "results.json", "--kind", "segm", "--json", "-");

        result.AssertExit(0);
        Assert.That((double)JsonNode.Parse(result.Output)!["segm"]!["stats"]![0]!, Is.EqualTo(1));
    }

    [Test]
    public void The_smallest_may_be_smaller_than_the_default()
    {
        Fpn("shapes", "set", "--count", "3", "--size", "64x64", "--smallest", "8", "--largest", "9").AssertExit(0);

        var set = CocoAnnotations.Read(At("set/instances.json"), At("set/pictures"));
        var options = new SyntheticShapesOptions { SmallestPx = 8, LargestPx = 9 };
        foreach ((var i, var picture) in set.Pictures.Index())
        {
            var scene = SyntheticShapes.Scene((ulong)i, 64, 64, options);
            Assert.That(PictureReader.Read(set.PathOf(picture)).Pixels, Is.EqualTo(scene.Image.Pixels));
        }
        Assert.That(
            set.Pictures.SelectMany(p => p.Objects).Select(o => MathF.Max(o.BoxImagePx.Width, o.BoxImagePx.Height)),
            Is.Not.Empty.And.All.LessThan(14), "a rotated square is wider than its side");
    }

    [TestCase("--size=320", "--size is '320'")]
    [TestCase("--size=20x320", "--size is '20x320'")]
    [TestCase("--count=0", "--count is '0'")]
    [TestCase("--seed=-1", "--seed is '-1'")]
    [TestCase("--smallest=300", "--smallest is more than --largest")]
    [TestCase("--smallest=q", "--smallest is 'q'")]
    [TestCase("--largest=5", "--largest is '5'")]
    public void A_wrong_option_is_explained(string option, string explanation)
    {
        var result = Fpn("shapes", "out", option);

        result.AssertExit(2);
        result.AssertOneError(explanation);
        Assert.That(FilesIn("."), Is.Empty);
    }

    [Test]
    public void A_folder_that_cannot_be_created_is_named()
    {
        Put("out", [1]);

        var result = Fpn("shapes", "out", "--count", "1");

        result.AssertExit(1);
        result.AssertOneError("The folder 'out' can't be written");
    }
}
