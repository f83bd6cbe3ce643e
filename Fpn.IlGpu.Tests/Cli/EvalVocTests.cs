using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Fpn.IlGpu.Tests.Cli;

/// <summary><c>fpn eval</c> with a VOC folder as the truth.</summary>
internal sealed class EvalVocTests : CommandTest
{
    // Objects of the first sample.
    private static readonly (string Name, int X1, int Y1, int X2, int Y2)[] Objects =
        [("hexagon", 172, 134, 320, 279), ("cross", 71, 23, 223, 175), ("triangle", 47, 153, 169, 278)];

    [SetUp]
    public void PutFolder()
    {
        PutSample("voc/JPEGImages/a.png");
        PutSample("voc/JPEGImages/b.png");
        Put("voc/Annotations/a.xml", Xml(""));
        Put("voc/Annotations/b.xml", Xml("<difficult>1</difficult>"));
        Put("voc/ImageSets/Main/val.txt", "a\n"u8.ToArray());
    }

    [Test]
    public void A_voc_folder_gives_the_figures_of_the_same_objects_in_coco_format()
    {
        var objects = Objects.Select((o, i) => $$"""
            {"id": {{i + 1}}, "image_id": 1, "category_id": {{i + 1}}, "bbox": [{{o.X1}}, {{o.Y1}}, {{o.X2 - o.X1}}, {{o.Y2 - o.Y1}}]}
            """);
        var categories = Objects.Select((o, i) => $$"""{"id": {{i + 1}}, "name": "{{o.Name}}"}""");
        Put("truth.json", Encoding.UTF8.GetBytes($$"""
            {"images": [{"id": 1, "file_name": "a.png", "width": 320, "height": 320}],
             "categories": [{{string.Join(", ", categories)}}], "annotations": [{{string.Join(", ", objects)}}]}
            """));

        var coco = Fpn("eval", "-t", "truth.json", "-i", "voc/JPEGImages", "-d", "cpu", "--json", "coco.json");
        var voc = Fpn("eval", "-t", "voc", "--split", "val", "-d", "cpu", "--json", "voc.json", "--save-results", "found.json");

        coco.AssertExit(0);
        voc.AssertExit(0);
        Assert.That(voc.Output, Does.Contain("1 picture, 3 objects of 3 classes").And.Match(@"\nhexagon +1 +\d\.\d{3} +1\.000 *\n"));
        var (expected, actual) = (Figures("coco.json"), Figures("voc.json"));
        Assert.That(actual["stats"]!.ToJsonString(), Is.EqualTo(expected["stats"]!.ToJsonString()));
        Assert.That(actual["stats"]![0]!.GetValue<double>(), Is.GreaterThan(0.8));
        Assert.That(actual["ap_by_class"]!.AsObject().Select(p => p.Key), Is.EqualTo(Objects.Select(o => o.Name).Order(StringComparer.Ordinal)));

        var again = Fpn("eval", "-t", "voc", "-s", "val", "-r", "found.json", "--json", "again.json");
        again.AssertExit(0);
        Assert.That(Figures("again.json").ToJsonString(), Is.EqualTo(actual.ToJsonString()));
    }

    [Test]
    public void Difficult_objects_count_neither_as_found_nor_as_missed()
    {
        // Found is all that the first picture has; the second one, whose objects are difficult, has the rest.
        Put("found.json", """
            [{"image_id": 1, "category_id": 1, "bbox": [71, 23, 152, 152], "score": 0.9},
             {"image_id": 1, "category_id": 2, "bbox": [172, 134, 148, 145], "score": 0.9},
             {"image_id": 1, "category_id": 3, "bbox": [47, 153, 122, 125], "score": 0.9},
             {"image_id": 2, "category_id": 1, "bbox": [71, 23, 152, 152], "score": 0.95}]
            """u8.ToArray());
        Fpn("eval", "-t", "voc", "-r", "found.json", "--json", "figures.json").AssertExit(0);
        Assert.That(Figures("figures.json")["stats"]![0]!.GetValue<double>(), Is.EqualTo(1).Within(1e-9));
    }

    [Test]
    public void The_remedy_for_other_class_names_works()
    {
        foreach (var name in (string[])["a", "b"])
        {
            var xml = File.ReadAllText(At($"voc/Annotations/{name}.xml"));
            File.WriteAllText(At($"voc/Annotations/{name}.xml"), xml.Replace(">hexagon<", ">hexágono<", StringComparison.Ordinal));
        }
        const string classes = """classes=["background", "circle", "square", "triangle", "star", "ring", "cross", "hexágono"]""";
        var renamed = Fpn("eval", "-t", "voc", "-s", "val", "-d", "cpu", "--set", classes, "--json", "figures.json");
        renamed.AssertExit(0);
        Assert.That(Figures("figures.json")["ap_by_class"]!["hexágono"]!.GetValue<double>(), Is.GreaterThan(0.8));
    }

    [TestCase(1, "VOC folder, which has no masks", "-t", "voc", "-k", "segm")]
    [TestCase(1, "The list 'voc/ImageSets/Main/nowhere.txt'", "-t", "voc", "-s", "nowhere")]
    [TestCase(1, "which this command reads", "-t", "voc", "--json", "voc/Annotations/a.xml")]
    [TestCase(2, "--split names a list of a VOC folder", "-t", "truth.json", "-i", "voc", "-s", "val")]
    public void A_fault_is_one_sentence(int exit, string sentence, params string[] arguments)
    {
        var result = Fpn(["eval", "-d", "cpu", .. arguments]);
        result.AssertExit(exit);
        result.AssertOneError(sentence);
    }

    private JsonNode Figures(string file) => JsonNode.Parse(File.ReadAllText(At(file)))!["bbox"]!;

    private static byte[] Xml(string each)
    {
        var xml = new StringBuilder("<annotation><size><width>320</width><height>320</height></size>");
        foreach (var o in Objects)
        {
            xml.Append(CultureInfo.InvariantCulture, $"<object><name>{o.Name}</name>{each}<bndbox><xmin>{o.X1 + 1}</xmin>")
                .Append(CultureInfo.InvariantCulture, $"<ymin>{o.Y1 + 1}</ymin><xmax>{o.X2}</xmax><ymax>{o.Y2}</ymax></bndbox></object>");
        }
        return Encoding.UTF8.GetBytes(xml.Append("</annotation>").ToString());
    }
}
