using System.Text;
using Fpn.IlGpu.Data;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Training;

namespace Fpn.IlGpu.Tests.Data;

/// <summary>VOC folders as annotation tools write them.</summary>
public sealed class VocToolsTests
{
    private const string Dog = "<object><name>dog</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>9</xmax><ymax>8</ymax></bndbox></object>";
    private const string Size = "<size><width>40</width><height>30</height></size>";

    private string folder = "";

    [SetUp]
    public void Make() => folder = Directory.CreateTempSubdirectory("fpn-voc-").FullName;

    [TearDown]
    public void Remove() => Directory.Delete(folder, recursive: true);

    [Test]
    public void Names_may_have_spaces_and_end_like_a_mark()
    {
        Add("my dog.png");
        Add("my dog 1.png");
        Add("b.png");
        PutList("my dog\nmy dog 1\nb  -1\n");
        AssertRead("train", "my dog.png", "my dog 1.png", "b.png");
    }

    [TestCase("a.Jpg")]
    [TestCase("a.bmp")]
    [TestCase("a.WebP")]
    [TestCase("a.JPEG")]
    public void Extensions_are_read_in_any_case_of_letters(string file)
    {
        Add(file);
        AssertRead(null, file);
    }

    [TestCase("a.png")]
    [TestCase("a.xml")]
    [TestCase("a.PNG 1")]
    [TestCase("JPEGImages/a.png")]
    [TestCase("/home/someone/JPEGImages/a.png")]
    [TestCase(@"C:\data\JPEGImages\a.png")]
    [TestCase(@"Annotations\a.xml")]
    public void Lists_may_have_extensions_and_paths(string line)
    {
        Add("a.png");
        PutList(line);
        AssertRead("train", "a.png");
    }

    [Test]
    public void A_list_may_begin_with_a_byte_order_mark()
    {
        Add("a.png");
        Directory.CreateDirectory(At("ImageSets/Main"));
        File.WriteAllText(At("ImageSets/Main/train.txt"), "a\r\n", new UTF8Encoding(encoderShouldEmitUTF8Identifier: true));
        AssertRead("train", "a.png");
    }

    [TestCase("ImageSets/train.txt", "train")]
    [TestCase("train.txt", "train.txt")]
    public void A_list_may_be_elsewhere(string path, string list)
    {
        Add("a.png");
        Add("b.png");
        Put(path, "b");
        AssertRead(list, "b.png");
    }

    [TestCase("<size><width>0</width><height>0</height><depth>3</depth></size>")]
    [TestCase("")]
    public void A_size_that_is_not_stated_is_that_of_the_picture(string size)
    {
        Add("a.png", size + Dog);
        var set = VocFolder.Read(folder);
        Assert.That((set.Pictures[0].Width, set.Pictures[0].Height), Is.EqualTo((40, 30)));
        Assert.That(set.Problems.Sentences().Single(), Does.StartWith("1 picture whose annotations state no size").And.Contain("a.xml"));
    }

    [TestCase("images", "annotations")]
    [TestCase("Images", "Annotations")]
    [TestCase("jpegimages", "ANNOTATIONS")]
    [TestCase("", "")]
    public void Folders_may_have_other_names_or_be_one(string pictures, string annotations)
    {
        Add("a.png", Size + Dog, pictures, annotations);
        AssertRead(null, "a.png");
    }

    [Test]
    public void A_split_is_not_needed()
    {
        var voc = TrainingConfiguration.Parse("""{ "data": { "voc": { "folder": "set" } } }""").Data.Voc;
        Assert.That(voc, Is.EqualTo(new VocData("set", null)));
    }

    [TestCase("other.png", "other.png")]
    [TestCase(@"D:\photos\other.JPG", "other.png")]
    public void The_picture_may_have_the_name_that_its_annotations_state(string stated, string file)
    {
        Add("a.png", $"<filename>{stated}</filename>{Size}{Dog}");
        File.Move(At("JPEGImages/a.png"), At("JPEGImages/" + file));
        AssertRead(null, file);
    }

    [TestCase("", "a.xml' is empty")]
    [TestCase("<annotation>\n<object>", "a.xml' is broken XML at line 2, column ")]
    [TestCase("\0\0\0\0", "a.xml' is broken XML at line 1")]
    public void A_broken_annotation_file_costs_one_picture(string xml, string why)
    {
        Add("a.png");
        Add("b.png");
        File.WriteAllText(At("Annotations/a.xml"), xml);
        var set = VocFolder.Read(folder);
        Assert.That(set.Pictures.Single().FileName, Is.EqualTo("b.png"));
        Assert.That(set.Problems.Named(AnnotationProblem.FileBroken).Single(), Does.Contain(why));
        Assert.That(set.Problems.Sentences()[0], Is.EqualTo("1 of 2 pictures is left out (50 %)."));
    }

    [TestCase(5, 5, 7, 9, 4, 6, 5, 9)]
    [TestCase(5, 9, 7, 7, 4, 6, 9, 7)]
    public void A_box_of_one_px_is_kept_and_named(int xMin, int xMax, int yMin, int yMax, float x1, float y1, float x2, float y2)
    {
        Add("a.png", $"""
            {Size}<object><name>dog</name>
            <bndbox><xmin>{xMin}</xmin><ymin>{yMin}</ymin><xmax>{xMax}</xmax><ymax>{yMax}</ymax></bndbox></object>
            """);
        var set = VocFolder.Read(folder);
        Assert.That(set.Pictures[0].Objects.Single().BoxImagePx, Is.EqualTo(new Box(x1, y1, x2, y2)));
        Assert.That(set.Problems.Sentences().Single(), Does.StartWith("1 box whose corners are the same px (kept, one px wide or high)"));
    }

    [TestCase("a.png")]
    [TestCase(@"sub\\a.png")]
    [TestCase("/home/someone/set/sub/a.png")]
    [TestCase(@"C:\\set\\sub\\a.png")]
    public void Coco_file_names_may_be_paths_of_another_machine(string name)
    {
        var file = name == "a.png" ? name : "sub/a.png";
        Put("pictures/" + file, "");
        Put("set.json", $$"""
            {"images": [{"id": 1, "file_name": "{{name}}", "width": 40, "height": 30}], "categories": [{"id": 1, "name": "dog"}],
             "annotations": [{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}]}
            """);
        Assert.That(CocoAnnotations.Read(At("set.json"), At("pictures")).Pictures.Single().FileName.Replace('\\', '/'), Is.EqualTo(file));
    }

    private void AssertRead(string? list, params string[] files)
    {
        var set = VocFolder.Read(folder, list);
        Assert.That(set.Problems.Sentences(), Is.Empty);
        Assert.That(set.Pictures.Select(picture => picture.FileName), Is.EqualTo(files));
        Assert.That(set.Pictures.Select(set.PathOf), Has.All.Exist);
        Assert.That(set.Pictures.Select(picture => picture.Objects.Single().BoxImagePx), Has.All.EqualTo(new Box(0, 1, 9, 8)));
    }

    private string At(string path) => Path.Combine(folder, path);

    private void Add(string file, string annotations = Size + Dog, string pictures = "JPEGImages", string xmls = "Annotations")
    {
        Put(Path.Combine(xmls, Path.ChangeExtension(file, ".xml")), $"<annotation>{annotations}</annotation>");
        Directory.CreateDirectory(At(pictures));
        using var stream = File.Create(At(Path.Combine(pictures, file)));
        PictureWriter.Write(new RgbImage(40, 30), stream, PictureFormat.Png);
    }

    private void Put(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(path))!);
        File.WriteAllText(At(path), text);
    }

    private void PutList(string text) => Put("ImageSets/Main/train.txt", text);
}
