using System.Text.Json;
using Fpn.IlGpu.Cli;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Files;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Tests.Cli;

/// <summary>Masks in the output of <c>fpn detect</c>.</summary>
internal sealed class MaskOutputTests : CommandFolderTest
{
    // A run of 44 px is written with a backslash, which JSON escapes.
    private static readonly ObjectMask Mask = ObjectMask.FromRuns([10, 44, 6, 60], 12, 10);
    private static readonly DetectedObject Masked = new("cup", 47, 0.75f, new Box(1, 0, 6, 10), Mask);
    private static readonly DetectedObject Unmasked = new("dog", 18, 0.5f, new Box(2, 3, 4, 5));

    [Test]
    public void Json_has_the_mask_in_the_form_of_COCO_after_the_box()
    {
        using (var json = JsonLines.Open(At("found.jsonl"), new FilesInUse())!)
            json.Write("a.png", 12, 10, [Masked, Unmasked]);
        var line = File.ReadAllLines(At("found.jsonl")).Single();
        using var document = JsonDocument.Parse(line);
        var found = document.RootElement.GetProperty("detections");
        Assert.That(Names(found[0]), Is.EqualTo(["label", "class_id", "score", "box", "segmentation"]));
        Assert.That(Names(found[1]), Is.EqualTo(["label", "class_id", "score", "box"]));
        var segmentation = found[0].GetProperty("segmentation");
        Assert.That(Names(segmentation), Is.EqualTo(["size", "counts"]));
        int[] size = [.. segmentation.GetProperty("size").EnumerateArray().Select(side => side.GetInt32())];
        Assert.That(size, Is.EqualTo([10, 12]), "height, width");
        var counts = segmentation.GetProperty("counts").GetString()!;
        Assert.That(counts, Does.Contain('\\'));
        Assert.That(ObjectMask.FromCocoString(counts, 12, 10), Is.EqualTo(Mask));
    }

    [Test]
    public void Annotated_pictures_show_the_mask()
    {
        var pictures = new AnnotatedPictures(At("out"), ["a.png"], new FilesInUse());
        var plain = pictures.Write("a.png", Large(), [Masked with { Label = "", Mask = null }]);
        var without = PictureReader.Read(plain).Pixels;
        var mask = ObjectMask.FromRuns([100 * 100, 100 * 20, 100 * 80], 200, 100);
        var with = PictureReader.Read(pictures.Write("a.png", Large(), [Masked with { Label = "", Mask = mask }])).Pixels;
        int middle = ((50 * 200) + 110) * 3, elsewhere = ((50 * 200) + 150) * 3;
        Assert.That(with[middle..(middle + 3)], Is.Not.EqualTo(without[middle..(middle + 3)]));
        Assert.That(with[elsewhere..(elsewhere + 3)], Is.EqualTo(without[elsewhere..(elsewhere + 3)]));
    }

    private static RgbImage Large() => new(200, 100);

    private static string[] Names(JsonElement element) => [.. element.EnumerateObject().Select(property => property.Name)];
}
