namespace Fpn.IlGpu.Tests.Cli;

/// <summary><c>fpn data convert</c>: each format gives the same set, and what is left out is said.</summary>
internal sealed class DataConvertTests : DataCommandTest
{
    private static readonly string[] Expected = ["a.png cat 8,6,40,30", "a.png dog 0,0,20,12", "b.png cat 16,12,8,6"];

    [Test]
    public void A_voc_folder_gives_its_boxes()
    {
        PutPictures("voc/JPEGImages");
        string Xml(string objects) => $"<annotation><size><width>{Width}</width><height>{Height}</height></size>{objects}</annotation>";
        string Voc(string name, int x1, int y1, int x2, int y2) => $"<object><name>{name}</name><bndbox><xmin>{x1}</xmin><ymin>{y1}</ymin>"
            + $"<xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>";
        Put("voc/Annotations/a.xml", Xml(Voc("cat", 9, 7, 48, 36) + Voc("dog", 1, 1, 20, 12)));
        Put("voc/Annotations/b.xml", Xml(Voc("cat", 17, 13, 24, 18)));
        Put("voc/ImageSets/Main/val.txt", "b\n");

        var all = Fpn("data", "convert", "voc", "--to", "coco", "--out", "all.json");
        all.AssertExit(0);
        Assert.That(all.Output, Does.Contain("all.json: 2 pictures, 3 objects of 2 classes (cat, dog)").And.Contain("\"pictures\": \"voc/JPEGImages\""));
        Assert.That(ObjectsIn("all.json"), Is.EqualTo(Expected));
        Fpn("data", "convert", "voc", "--split", "val", "--out", "val.json").AssertExit(0);
        Assert.That(ObjectsIn("val.json"), Is.EqualTo(Expected[2..]));
        Fpn("data", "convert", "voc", "--out", "voc/Annotations/a.xml").AssertOneError("which this command reads");
    }

    [Test]
    public void Yolo_with_data_yaml_gives_its_boxes_and_polygons()
    {
        PutYolo("images");
        Put("yolo/data.yaml", "path: nowhere\ntrain: ../images # as Roboflow writes it\nval: val.txt\nnames:\n  0: cat\n  1: dog\n");
        Put("yolo/val.txt", "./images/b.png\n");

        var all = Fpn("data", "convert", "yolo/data.yaml", "--out", "all.json");
        all.AssertExit(0);
        Assert.That(ObjectsIn("all.json"), Is.EqualTo(Expected));
        Assert.That(PicturesIn("all.json"), Is.EqualTo(new[] { "a.png", "b.png", "c.png" }));
        Assert.That(all.Error, Does.Contain("1 picture without a file of labels (kept, without objects)").And.Contain("c.png"));
        Assert.That((string)Json("all.json")["annotations"]![2]!["segmentation"]!["counts"]!, Is.Not.Empty, "the polygon is a mask");
        Fpn("data", "convert", "yolo", "--split", "val", "--out", "val.json").AssertExit(0);
        Assert.That(PicturesIn("val.json"), Is.EqualTo(new[] { "b.png" }));
        Fpn("data", "convert", "yolo", "--split", "test", "--out", "test.json").AssertOneError("has no list 'test'; it has train, val");
    }

    [Test]
    public void Yolo_with_classes_txt_names_what_it_leaves_out()
    {
        PutYolo("");
        Put("yolo/classes.txt", "cat\ndog\n");
        File.AppendAllText(At("yolo/a.txt"), "2 0.5 0.5 0.1 0.1\n0 0.5 0.5 0.1\n0 0.35 0.35 0.5 0.5\n");

        var refused = Fpn("data", "convert", "yolo", "--out", "all.json");
        refused.AssertExit(1);
        refused.AssertOneError("3 of 6 objects are left out (50 %).");
        Assert.That(refused.Error, Does.Contain("class 2 in").And.Contain("line 4 is neither a box nor a polygon").And.Contain("listed twice"));
        Assert.That(File.Exists(At("all.json")), Is.False);
        Fpn("data", "convert", "yolo", "--out", "all.json", "--allow-problems", "--problems", "list.txt").AssertExit(0);
        Assert.That(ObjectsIn("all.json"), Is.EqualTo(Expected));
        Assert.That(File.ReadAllText(At("list.txt")), Does.Contain("a.txt', line 3"));
    }

    [TestCase("image,xmin,ymin,xmax,ymax,class\na.png,8,6,48,36,cat\na.png,0,0,20,12,dog\nb.png,16,12,24,18,cat\nc.png,,,,,\n")]
    [TestCase("pictures/a.png,8,6,48,36,cat\npictures/a.png,0,0,20,12,dog\npictures/b.png,16,12,24,18,cat\npictures/c.png,,,,,\n")]
    [TestCase("filename;width;height;class;xmin;ymin;xmax;ymax\n\"a.png\";80;60;cat;8;6;48;36\na.png;80;60;dog;0;0;20;12\nb.png;80;60;cat;16;12;24;18\nc.png;80;60;;;;;\n")]
    public void A_table_gives_its_boxes(string table)
    {
        var inFolder = table.StartsWith("pictures", StringComparison.Ordinal);
        PutPictures("pictures");
        Put("boxes.csv", table);
        string[] folder = inFolder ? [] : ["--pictures", "pictures"];
        Fpn(["data", "convert", "boxes.csv", "--out", "all.json", .. folder]).AssertExit(0);
        Assert.That(ObjectsIn("all.json"), Is.EqualTo(Expected.Select(o => inFolder ? $"pictures/{o}" : o)));
        Assert.That(PicturesIn("all.json"), Has.Length.EqualTo(3));
    }

    [Test]
    public void A_table_without_a_column_or_with_a_missing_picture_is_refused()
    {
        Put("boxes.csv", "image,xmin,ymin,xmax,ymax\na.png,8,6,48,36\n");
        Fpn("data", "convert", "boxes.csv", "--out", "all.json").AssertOneError("has no column for 'class'");
        Put("boxes.csv", "one,two\n1,2\n");
        Fpn("data", "convert", "boxes.csv", "--out", "all.json").AssertOneError("is neither a header");
        Put("boxes.csv", "a.png,8,6,48,36,cat\n");
        Fpn("data", "convert", "boxes.csv", "--out", "all.json").AssertOneError("1 missing picture file (skipped)");
    }

    [Test]
    public void Cvat_gives_its_boxes_polygons_and_masks()
    {
        PutPictures("images");
        Put("annotations.xml", $$"""
            <annotations><version>1.1</version><meta><task><labels><label><name>dog</name></label><label><name>cat</name></label></labels></task></meta>
              <image id="0" name="a.png" width="{{Width}}" height="{{Height}}">
                <box label="cat" xtl="8.00" ytl="6.00" xbr="48.00" ybr="36.00"><attribute name="colour">red</attribute></box>
                <polygon label="dog" points="0.00,0.00;20.00,0.00;20.00,12.00"/>
                <polyline label="cat" points="0,0;5,5"/>
              </image>
              <image id="1" name="b.png" width="{{Width}}" height="{{Height}}">
                <mask label="cat" rle="0, 48" left="16" top="12" width="8" height="6"/>
              </image>
            </annotations>
            """);
        var result = Fpn("data", "convert", "annotations.xml", "--pictures", "images", "--out", "all.json", "--allow-problems");
        result.AssertExit(0);
        Assert.That(ObjectsIn("all.json"), Is.EqualTo(Expected));
        Assert.That(ClassesIn("all.json"), Is.EqualTo(new[] { "dog", "cat" }));
        Assert.That(result.Error, Does.Contain("1 of 4 objects is left out").And.Contain("line 5: polyline"));
        Assert.That((double)Json("all.json")["annotations"]![2]!["area"]!, Is.EqualTo(48));
    }

    [Test]
    public void The_command_has_the_verb()
    {
        PutPictures("pictures");
        Put("boxes.csv", "a.png,8,6,48,36,cat\n");
        var result = FpnProcess.Run(Folder, "data", "convert", "boxes.csv", "--pictures", "pictures", "--out", "all.json");
        result.AssertExit(0);
        Assert.That(ObjectsIn("all.json"), Is.EqualTo(Expected[..1]));
    }

    [TestCase("missing", "There is no file or folder 'missing'")]
    [TestCase("empty", "has neither VOC's Annotations nor YOLO's data.yaml")]
    [TestCase("set.json", "is COCO JSON already")]
    [TestCase("notes.pdf", "shows no format of annotations")]
    [TestCase("broken.xml", "is broken XML at line 1")]
    [TestCase("video.xml", "has tracks of a video")]
    [TestCase("broken.yaml", "is broken YAML at line 2")]
    public void What_can_not_be_read_is_explained(string source, string expected)
    {
        Directory.CreateDirectory(At("empty"));
        Put("set.json", "{}");
        Put("notes.pdf", "%PDF");
        Put("broken.xml", "<annotations><image>");
        Put("video.xml", "<annotations><track id=\"0\"/></annotations>");
        Put("broken.yaml", "names: [cat\n  : :");
        var result = Fpn("data", "convert", source, "--out", "all.json");
        result.AssertExit(1);
        result.AssertOneError(expected);
        Assert.That(File.Exists(At("all.json")), Is.False);
    }

    private void PutPictures(string folder)
    {
        foreach (var name in new[] { "a", "b", "c" })
            PutPicture($"{folder}/{name}.png");
    }

    private void PutYolo(string below)
    {
        PutPictures($"yolo/{below}");
        var labels = below.Length > 0 ? "yolo/labels" : "yolo";
        Put($"{labels}/a.txt", "0 0.35 0.35 0.5 0.5\n1 0.125 0.1 0.25 0.2\n");
        Put($"{labels}/b.txt", "0 0.2 0.2 0.3 0.2 0.3 0.3 0.2 0.3\n");
    }
}
