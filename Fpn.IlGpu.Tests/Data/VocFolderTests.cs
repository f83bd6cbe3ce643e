using Fpn.IlGpu.Data;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Tests.Data;

/// <summary>VOC folders, valid and faulty.</summary>
public class VocFolderTests
{
    private string folder = "";

    [SetUp]
    public void Make()
    {
        folder = Path.Combine(TestContext.CurrentContext.WorkDirectory, $"voc-{Guid.NewGuid():N}");
        foreach (var part in new[] { "JPEGImages", "Annotations", "ImageSets/Main" })
            Directory.CreateDirectory(Path.Combine(folder, part));
    }

    [TearDown]
    public void Remove() => Directory.Delete(folder, recursive: true);

    [Test]
    public void Objects_have_boxes_from_0_and_difficult_ones_are_ignored()
    {
        Add("b", Object("dog", 1, 1, 40, 30), Object("cat", 11, 6, 20, 25, "<difficult>1</difficult>"));
        Add("a", Object("dog", 2.0, 3, 4, 5));
        var set = VocFolder.Read(folder);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(set.Categories, Is.EqualTo(new AnnotatedCategory[] { new(1, "cat"), new(2, "dog") }));
            Assert.That(
                set.Pictures.Select(p => (p.Id, p.FileName, p.Width, p.Height)),
                Is.EqualTo(new[] { (1L, "a.png", 40, 30), (2L, "b.png", 40, 30) }));
            Assert.That(set.Pictures[0].Objects, Is.EqualTo(new[] { new AnnotatedObject(new Box(1, 2, 4, 5), 1) }));
            Assert.That(set.Pictures[1].Objects, Is.EqualTo(new[]
            {
                new AnnotatedObject(new Box(0, 0, 40, 30), 1), new AnnotatedObject(new Box(10, 5, 20, 25), 0) { IsIgnored = true },
            }));
            Assert.That(set.Problems.Total, Is.Zero);
            Assert.That(File.Exists(set.PathOf(set.Pictures[0])), Is.True);
        }
    }

    [TestCase(33)]
    [TestCase(1_000_000)]
    [MaxTime(20_000)]
    public void Elements_that_are_nested_without_end_are_refused(int depth)
    {
        Add("a", Object("dog", 1, 1, 9, 9));
        var path = Path.Combine(folder, "Annotations/a.xml");
        File.WriteAllText(path, $"{string.Concat(Enumerable.Repeat("<a>", depth))}{string.Concat(Enumerable.Repeat("</a>", depth))}");
        Assert.That(
            () => VocFolder.Read(folder),
            Throws.TypeOf<AnnotationException>().With.Message.Contains("a.xml").And.Message.Contains("more than 32 deep"));
    }

    [Test]
    [MaxTime(20_000)]
    public void A_file_of_many_megabytes_is_refused()
    {
        Add("a", Object("dog", 1, 1, 9, 9));
        File.WriteAllText(Path.Combine(folder, "Annotations/a.xml"), $"<a>{new string(' ', 17 << 20)}</a>");
        Assert.That(() => VocFolder.Read(folder), Throws.TypeOf<AnnotationException>().With.Message.Contains("a.xml"));
    }

    [Test]
    public void A_list_names_the_pictures_and_their_order()
    {
        foreach (var name in new[] { "a", "b", "c" })
            Add(name, Object("dog", 1, 1, 9, 9));
        File.WriteAllText(Path.Combine(folder, "ImageSets/Main/train.txt"), "c  1\n\na -1\r\nc  1\n");
        var set = VocFolder.Read(folder, "train", VocFolder.VocCategories);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(set.Pictures.Select(p => p.FileName), Is.EqualTo(new[] { "c.png", "a.png" }));
            Assert.That(set.Pictures[0].Objects[0].ClassIndex, Is.EqualTo(11));
            Assert.That(set.Problems.Count(AnnotationProblem.DuplicateId), Is.EqualTo(1));
        }
    }

    [Test]
    public void Faults_in_entries_are_named_and_counted()
    {
        Add("a", Object("dog", 0, -4, 60, 20), Object("dog", 50, 50, 60, 60), Object("dog", 9, 9, 4, 20), Object("cow", 1, 1, 9, 9));
        Add("b", "<object><name>dog</name></object>", "<object><bndbox/></object>", Object("dog", double.NaN, 1, 9, 9));
        Add("c", Object("dog", 1, 1, 9, 9));
        Add("d", Object("dog", 1, 1, 9, 9));
        File.Delete(Path.Combine(folder, "JPEGImages/c.png"));
        File.WriteAllText(Path.Combine(folder, "Annotations/d.xml"), "<annotation><size><width>0</width></size></annotation>");
        File.WriteAllText(Path.Combine(folder, "ImageSets/Main/all.txt"), "a\nb\nc\nd\ne\n");
        File.Copy(Path.Combine(folder, "JPEGImages/a.png"), Path.Combine(folder, "JPEGImages/e.png"));

        var set = VocFolder.Read(folder, "all", ["dog"]);
        int Count(AnnotationProblem kind) => set.Problems.Count(kind);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(set.Pictures.Select(p => p.FileName), Is.EqualTo(new[] { "a.png", "b.png", "d.png" }));
            Assert.That(set.Pictures[0].Objects.Select(o => o.BoxImagePx), Is.EqualTo(new[] { new Box(0, 0, 40, 20) }));
            Assert.That(Count(AnnotationProblem.BoxOutside), Is.EqualTo(1));
            Assert.That(Count(AnnotationProblem.BoxEmpty), Is.EqualTo(2));
            Assert.That(Count(AnnotationProblem.CategoryUnknown), Is.EqualTo(1));
            Assert.That(Count(AnnotationProblem.PictureMissing), Is.EqualTo(1));
            Assert.That(Count(AnnotationProblem.EntryIncomplete), Is.EqualTo(4), "three objects, one file");
            Assert.That(Count(AnnotationProblem.SizeMissing), Is.EqualTo(1));
            Assert.That(set.Problems.Named(AnnotationProblem.CategoryUnknown)[0], Does.Contain("'cow'").And.Contain("a.xml', line 5"));
        }
    }

    [Test]
    public void Broken_xml_is_refused_with_line_and_column()
    {
        Add("a", Object("dog", 1, 1, 9, 9));
        File.WriteAllText(Path.Combine(folder, "Annotations/a.xml"), "<annotation>\n  <object>\n  </wrong>\n");
        Assert.That(() => VocFolder.Read(folder), Refused("a.xml' is broken XML at line 3, column 5"));
        File.WriteAllText(
            Path.Combine(folder, "Annotations/a.xml"),
            "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/hostname\">]><annotation>&b;</annotation>");
        Assert.That(() => VocFolder.Read(folder), Refused("broken XML at line 1"));
    }

    [Test]
    public void A_missing_folder_a_missing_list_and_an_empty_set_are_refused()
    {
        Assert.That(() => VocFolder.Read(folder), Refused("has no usable picture: it is an empty set"));
        Assert.That(() => VocFolder.Read(folder, "train"), Refused("train.txt' can't be read"));
        Assert.That(() => VocFolder.Read(Path.Combine(folder, "none")), Refused("There is no folder"));
        Add("a");
        Assert.That(() => VocFolder.Read(folder), Refused("has no usable object: it is an empty set"));
    }

    private static NUnit.Framework.Constraints.ContainsConstraint Refused(string why)
        => Throws.TypeOf<AnnotationException>().With.Message.Contains(why);

    private void Add(string name, params string[] objects)
    {
        PictureWriter.Write(new RgbImage(40, 30), Path.Combine(folder, "JPEGImages", name + ".png"));
        File.WriteAllText(
            Path.Combine(folder, "Annotations", name + ".xml"),
            $"<annotation><size><width>40</width><height>30</height><depth>3</depth></size>\n{string.Join('\n', objects)}\n</annotation>");
    }

    private static string Object(string name, double x1, double y1, double x2, double y2, string more = "") => FormattableString.Invariant(
        $"<object><name>{name}</name>{more}<bndbox><xmin>{x1}</xmin><ymin>{y1}</ymin><xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>");
}
