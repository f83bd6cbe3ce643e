using System.Text;
using Fpn.IlGpu.Data;
using Fpn.IlGpu.Evaluation;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Tests.Data;

/// <summary>Faulty annotations are named and counted, and skipped, corrected or refused as documented.</summary>
public sealed class CocoAnnotationsTests
{
    private const string Lists = """
        "images": [{"id": 3, "file_name": "a.png", "width": 40, "height": 30},
                   {"id": 1, "file_name": "b.png", "width": 20, "height": 50}],
        "categories": [{"id": 7, "name": "cat"}, {"id": 2, "name": "dog"}]
        """;

    private string path = null!;

    [SetUp]
    public void NamePath() => path = Path.Combine(Path.GetTempPath(), $"fpn-{Guid.NewGuid():N}.json");

    [TearDown]
    public void RemoveFile() => File.Delete(path);

    private AnnotatedSet Read(string annotations, bool masks = false)
        => ReadText($$"""{{{Lists}}, "annotations": [{{annotations}}]}""", masks);

    private AnnotatedSet ReadText(string text, bool masks = false)
    {
        File.WriteAllText(path, text);
        return CocoAnnotations.Read(path, masks: masks);
    }

    private const string Good = """{"id": 1, "image_id": 3, "category_id": 2, "bbox": [1, 2, 3, 4.5], "area": 9, "iscrowd": 0}""";

    [Test]
    public void A_set_is_read_in_the_order_of_its_file()
    {
        var set = Read($$"""{{Good}}, {"id": 2, "image_id": 3, "category_id": 7, "bbox": [0, 0, 40, 30], "iscrowd": 1}""");

        Assert.That(set.Problems.Total, Is.Zero);
        Assert.That(set.Categories, Is.EqualTo(new AnnotatedCategory[] { new(7, "cat"), new(2, "dog") }));
        Assert.That(
            set.Pictures.Select(p => (p.Id, p.FileName, p.Width, p.Height)),
            Is.EqualTo(new[] { (3L, "a.png", 40, 30), (1L, "b.png", 20, 50) }));
        Assert.That(set.Pictures[1].Objects, Is.Empty);
        Assert.That(set.Pictures[0].Objects, Is.EqualTo(new AnnotatedObject[]
        {
            new(new Box(1, 2, 4, 6.5f), 1) { Area = 9 },
            new(new Box(0, 0, 40, 30), 0) { Area = 1200, IsCrowd = true },
        }));
    }

    [TestCase("-4, 5, 10, 10", 0, 5, 6, 15)]
    [TestCase("30, 20, 100, 100", 30, 20, 40, 30)]
    public void A_box_outside_its_picture_is_clipped(string bbox, float x1, float y1, float x2, float y2)
    {
        var set = Read($$"""{"id": 5, "image_id": 3, "category_id": 2, "bbox": [{{bbox}}], "area": 9}""");
        Assert.That(set.Pictures[0].Objects.Single().BoxImagePx, Is.EqualTo(new Box(x1, y1, x2, y2)));
        AssertOne(set.Problems, AnnotationProblem.BoxOutside, "object 5 of 'a.png'", "1 box outside its picture (clipped)");
    }

    [TestCase("1, 2, 0, 4")]
    [TestCase("1, 2, 4, 0")]
    [TestCase("1, 2, -4, 4")]
    [TestCase("41, 2, 9, 9")]
    [TestCase("-9, 2, 9, 9")]
    public void A_box_without_area_is_skipped(string bbox)
    {
        var set = Read($$"""{{Good}}, {"id": 5, "image_id": 3, "category_id": 2, "bbox": [{{bbox}}], "area": 9}""");
        Assert.That(set.Pictures[0].Objects, Has.Count.EqualTo(1));
        AssertOne(set.Problems, AnnotationProblem.BoxEmpty, "object 5 of 'a.png'", "1 box without area (skipped)");
    }

    [TestCase("""{"id": 5, "image_id": 8, "category_id": 2, "bbox": [1, 2, 3, 4]}""", AnnotationProblem.PictureUnknown, "picture 8")]
    [TestCase("""{"id": 5, "image_id": 3, "category_id": 9, "bbox": [1, 2, 3, 4]}""", AnnotationProblem.CategoryUnknown, "category 9")]
    [TestCase("""{"id": 5, "category_id": 2, "bbox": [1, 2, 3, 4]}""",
        AnnotationProblem.EntryIncomplete, "object number 2 has no image_id")]
    [TestCase("""{"id": 5, "image_id": 3, "bbox": [1, 2, 3, 4]}""", AnnotationProblem.EntryIncomplete, "no category_id")]
    [TestCase("""{"id": 5, "image_id": 3, "category_id": 2}""", AnnotationProblem.EntryIncomplete, "no bbox")]
    [TestCase("""{"id": 5, "image_id": 3, "category_id": 2, "bbox": [1, 2, 3]}""", AnnotationProblem.EntryIncomplete, "no bbox")]
    [TestCase("""{"id": 5, "image_id": 3, "category_id": 2, "bbox": [1, 2, "three", 4]}""", AnnotationProblem.EntryIncomplete, "no bbox")]
    [TestCase("""{"id": 5, "image_id": 3, "category_id": 2, "bbox": {"x": 1}}""", AnnotationProblem.EntryIncomplete, "no bbox")]
    [TestCase("""{"id": 5, "image_id": 3, "category_id": 2, "bbox": [1, 2, 1e999, 4]}""", AnnotationProblem.EntryIncomplete, "no bbox")]
    [TestCase("""7""", AnnotationProblem.EntryIncomplete, "object number 2")]
    [TestCase("""[[1], {"id": 4}]""", AnnotationProblem.EntryIncomplete, "object number 2")]
    public void An_unusable_object_is_skipped(string entry, AnnotationProblem kind, string which)
    {
        var set = Read($"{Good}, {entry}");
        Assert.That(set.Pictures.SelectMany(p => p.Objects).Count(), Is.EqualTo(1));
        AssertOne(set.Problems, kind, which, "1 ");
    }

    [TestCase("\"id\": 1,")]
    [TestCase("\"id\": null,")]
    [TestCase("\"id\": \"five\",")]
    [TestCase("")]
    public void Training_needs_no_ids_of_objects(string id)
    {
        var entry = $$"""{ {{id}} "image_id": 1, "category_id": 2, "bbox": [1, 2, 3, 4]}""";
        var set = Read($"{Good}, {entry}, {entry}");
        Assert.That(set.Problems.Sentences(), Is.Empty);
        Assert.That(set.Pictures.Select(picture => picture.Objects.Count), Is.EqualTo([1, 2]));
    }

    [Test]
    public void Pictures_and_categories_given_twice_count_once()
    {
        var set = ReadText($$"""
            {"images": [{"id": 3, "file_name": "a.png", "width": 40, "height": 30},
                        {"id": 3, "file_name": "b.png", "width": 1, "height": 1}],
             "categories": [{"id": 2, "name": "dog"}, {"id": 2, "name": "cat"}], "annotations": [{{Good}}]}
            """);
        Assert.That(set.Pictures.Single().FileName, Is.EqualTo("a.png"));
        Assert.That(set.Categories.Single().Name, Is.EqualTo("dog"));
        Assert.That(set.Problems.Count(AnnotationProblem.DuplicateId), Is.EqualTo(2));
    }

    [TestCase("cat", "cat")]
    [TestCase("Cat", "cat")]
    public void Categories_of_one_name_stay_apart_and_are_named(string first, string second)
    {
        var set = ReadText($$"""
            {"images": [{"id": 3, "file_name": "a.png", "width": 40, "height": 30}],
             "categories": [{"id": 2, "name": "{{first}}"}, {"id": 4, "name": "{{second}}"}], "annotations": [{{Good}}]}
            """);
        Assert.That(set.Categories, Has.Count.EqualTo(2));
        AssertOne(
            set.Problems, AnnotationProblem.NameTwice, $"'{first}' is category 2, '{second}' is category 4",
            "1 name of several categories");
    }

    [Test]
    public void Missing_pictures_are_skipped_if_their_folder_is_given()
    {
        var folder = Directory.CreateTempSubdirectory("fpn-");
        try
        {
            File.WriteAllText(path, $$"""{{{Lists}}, "annotations": [{{Good}}]}""");
            File.WriteAllBytes(Path.Join(folder.FullName, "a.png"), []);
            var set = CocoAnnotations.Read(path, folder.FullName);
            Assert.That(set.Pictures.Select(set.PathOf), Is.EqualTo(new[] { Path.Join(folder.FullName, "a.png") }));
            AssertOne(set.Problems, AnnotationProblem.PictureMissing, "b.png", "1 missing picture file (skipped)");

            File.Delete(Path.Join(folder.FullName, "a.png"));
            Assert.That(
                () => CocoAnnotations.Read(path, folder.FullName),
                Throws.TypeOf<AnnotationException>().With.Message.Contains("no usable picture").And.Message.Contains("a.png"));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
        Assert.That(
            () => CocoAnnotations.Read(path, folder.FullName), Throws.TypeOf<AnnotationException>().With.Message.Contains("no folder"));
    }

    [TestCase("{\n  \"images\": [\n    {\"id\": 1,, }", 3, 14)]
    [TestCase("{\"images\": [{\"id\": NaN}]}", 1, 20)]
    [TestCase("{\"images\": [{\"id\": 1}", 1, 22)]
    [TestCase("{\"images\": [], \"annotations\": [{\"id\": 1}\n,\n {\"id\" 2}]}", 3, 8)]
    [TestCase("{\"info\": {\n\"a\": tru }}", 2, 9)]
    [TestCase("{\"images\": []}\n}", 2, 1)]
    [TestCase("", 1, 1)]
    public void Broken_json_is_refused_with_its_line_and_column(string text, int line, int column)
    {
        Assert.That(
            () => ReadText(text),
            Throws.TypeOf<AnnotationException>().With.Message.StartsWith($"'{path}' is broken JSON at line {line}, column {column}: "));
    }

    [Test]
    public void Lines_are_counted_in_a_file_of_any_length()
    {
        var many = string.Concat(Enumerable.Range(0, 20_000).Select(i => $"{{\"id\": {i}, \"file_name\": \"{i}.png\"}},\n"));
        Assert.That(
            () => ReadText($"{{\"images\": [\n{many}oh"),
            Throws.TypeOf<AnnotationException>().With.Message.Contains("line 20002, column 1: "));
        byte[] noUtf8 = [.. "{\"file_name\": \""u8, 0xFF, .. "\"}]}"u8];
        File.WriteAllBytes(path, [.. "{\"images\": [\n"u8, .. Encoding.UTF8.GetBytes(many), .. noUtf8]);
        Assert.That(
            () => CocoAnnotations.Read(path), Throws.TypeOf<AnnotationException>().With.Message.Contains("line 20002, column "));
    }

    [Test]
    public void Strings_are_ids_and_numbers_for_training_too()
    {
        var set = ReadText("""
            {"images": [{"id": "b", "file_name": "b.png", "width": "40", "height": "30"},
                        {"id": "a", "file_name": 7, "width": 4, "height": 4}],
             "categories": [{"id": "dog"}], "annotations": [{"image_id": "b", "category_id": "dog", "bbox": ["1", "2", "3", "4.5"]}]}
            """);
        Assert.That(set.Pictures.Select(p => (p.FileName, p.Width, p.Objects.Count)), Is.EqualTo(new[] { ("b.png", 40, 1), ("7", 4, 0) }));
        Assert.That(set.Pictures[0].Objects[0].BoxImagePx, Is.EqualTo(new Box(1, 2, 4, 6.5f)));
        Assert.That(set.Categories[0].Name, Is.EqualTo("dog"));
        AssertOne(set.Problems, AnnotationProblem.NameMissing, "category \"dog\"", "1 category without a name");
    }

    [TestCase("""{"images": [{"file_name": "a.png"}], "categories": [{"id": 1, "name": "a"}]}""",
        "None of the 1 pictures ('images')", "picture number 1 has no id")]
    [TestCase("""{"images": [{"id": 1}], "categories": [{"name": "a"}, {"id": true}]}""",
        "None of the 2 'categories'", "category number 2 has no id")]
    public void Lists_whose_entries_cannot_be_used_are_not_said_to_be_empty(string text, string what, string which)
        => Assert.That(
            () => ReadText(text), Throws.TypeOf<AnnotationException>().With.Message.Contains(what).And.Message.Contains(which));

    [TestCase("[]", "not a JSON object")]
    [TestCase("{}", "no pictures")]
    [TestCase("""{"images": {}}""", "a value for 'images' that is not an array")]
    [TestCase("""{"images": [{"id": 1, "file_name": "a.png", "width": 4, "height": 4}]}""", "no 'categories'")]
    [TestCase("""{"images": [{"id": 1}], "categories": [{"id": 1, "name": "a"}]}""", "no width and height")]
    [TestCase("""{"images": [{"id": 1, "width": 4, "height": 4}], "categories": [{"id": 1, "name": "a"}]}""", "no file_name")]
    [TestCase("""{"images": [{"id": 1, "file_name": "a.png", "width": 4, "height": 4}], "categories": [{"id": 1, "name": "a"}]}""",
        "no usable object")]
    public void An_empty_set_is_refused(string text, string why)
        => Assert.That(() => ReadText(text), Throws.TypeOf<AnnotationException>().With.Message.Contains(why).And.Message.Contains(path));

    [Test]
    public void A_missing_file_is_refused()
        => Assert.That(() => CocoAnnotations.Read(path), Throws.TypeOf<AnnotationException>().With.Message.Contains(path));

    [TestCase("""[[1, 1, 9, 1, 9, 9, 1, 9]]""", 64)]
    [TestCase("""[[1, 1, 9, 1, 9, 9, 1, 9], [1, 1, 3, 1, 3, 3, 1, 3]]""", 64)]
    [TestCase("""{"size": [30, 40], "counts": [600, 7, 593]}""", 7)]
    [TestCase("""{"counts": "hb07ab0", "size": [30, 40]}""", 7)]
    public void Masks_are_read_in_each_of_the_ways_of_coco(string segmentation, int area)
    {
        var set = Read(
            $$"""{"id": 5, "image_id": 3, "category_id": 2, "bbox": [1, 2, 3, 4], "segmentation": {{segmentation}}}""", masks: true);
        Assert.That(set.Problems.Sentences(), Is.Empty);
        Assert.That(set.Pictures[0].Objects.Single().Mask?.Area, Is.EqualTo(area));
        Assert.That(set.HasMasks, Is.True);
    }

    [TestCase(""", "segmentation": []""")]
    [TestCase(""", "segmentation": null""")]
    [TestCase("")]
    public void An_object_without_a_mask_stays_and_is_named_if_masks_are_read(string segmentation)
    {
        var objects = $$"""
            {"id": 5, "image_id": 3, "category_id": 2, "bbox": [1, 2, 3, 4]{{segmentation}}},
            {"id": 6, "image_id": 3, "category_id": 2, "bbox": [1, 2, 3, 4], "iscrowd": 1{{segmentation}}}
            """;
        var set = Read(objects, masks: true);
        Assert.That(set.Pictures[0].Objects.Select(o => o.Mask), Is.EqualTo(new object?[] { null, null }));
        Assert.That(set.HasMasks, Is.False);
        AssertOne(set.Problems, AnnotationProblem.MaskMissing, "object 5 of 'a.png'", "1 object without a mask (only its box counts)");
        Assert.That(Read(objects).Problems.Total, Is.Zero);
    }

    [TestCase("""[[1, 1, 9, 1]]""", "its first polygon has only 4 numbers")]
    [TestCase("""[[1, 1, 9, 1, null, 3]]""", "a polygon is not a list of numbers")]
    [TestCase("""[[1, 1, 9, 1, 1e9, 3]]""", "a corner at 1000000000 px")]
    [TestCase("""{"size": [30, 40], "counts": [600, 7]}""", "607")]
    [TestCase("""{"size": [30, 40]}""", "no counts")]
    [TestCase("""{"counts": [1200]}""", "size")]
    [TestCase("""{"size": [40, 30], "counts": [1200]}""", "30 × 40 px")]
    [TestCase("""7""", "neither polygons nor run lengths")]
    public void Broken_masks_are_left_out(string segmentation, string why)
    {
        var set = Read(
            $$"""{"id": 5, "image_id": 3, "category_id": 2, "bbox": [1, 2, 3, 4], "segmentation": {{segmentation}}}""", masks: true);
        Assert.That(set.Pictures[0].Objects.Single().Mask, Is.Null);
        AssertOne(set.Problems, AnnotationProblem.MaskBroken, why, "1 broken mask (left out)");
    }

    [Test]
    public void A_byte_order_mark_is_skipped()
    {
        File.WriteAllText(path, $$"""{{{Lists}}, "annotations": [{{Good}}]}""", new UTF8Encoding(true));
        Assert.That(CocoAnnotations.Read(path).Pictures, Has.Count.EqualTo(2));
    }

    [Test]
    public void Problems_of_a_kind_are_all_counted_and_the_first_five_are_named()
    {
        var bad = string.Concat(Enumerable.Range(10, 8).Select(
            id => $$""", {"id": {{id}}, "image_id": 3, "category_id": 9, "bbox": [1, 2, 3, 4]}"""));
        var problems = Read(Good + bad).Problems;
        Assert.That(problems.Count(AnnotationProblem.CategoryUnknown), Is.EqualTo(8));
        Assert.That(problems.Named(AnnotationProblem.CategoryUnknown), Has.Count.EqualTo(5));
        Assert.That(
            problems.Sentences()[^1],
            Does.StartWith("8 objects of unknown categories (skipped): object 10 ").And.EndsWith("object 14 is of category 9, …."));
    }

    [Test]
    public void Evaluation_neither_clips_nor_skips()
    {
        const string outside = """{"id": 5, "image_id": 3, "category_id": 2, "bbox": [-4, 5, 100, 0], "area": 9}""";
        File.WriteAllText(path, $$"""{{{Lists}}, "annotations": [{{outside}}]}""");
        var truth = EvaluationTruth.Read(path);
        Assert.That(truth.Objects.Single().BoxImagePx, Is.EqualTo(new CocoBox(-4, 5, 100, 0)));
        Assert.That(truth.Problems.Total, Is.Zero);
    }

    private static void AssertOne(AnnotationProblems problems, AnnotationProblem kind, string which, string sentence)
    {
        Assert.That(problems.Total, Is.EqualTo(1), string.Join(' ', problems.Sentences()));
        Assert.That(problems.Named(kind).Single(), Does.Contain(which));
        Assert.That(problems.Sentences()[^1], Does.StartWith(sentence).And.Contain(which));
    }
}
