namespace Fpn.IlGpu.Tests.Cli;

/// <summary><c>fpn data split</c>, <c>subset</c> and <c>merge</c>.</summary>
internal sealed class DataSelectionTests : DataCommandTest
{
    [Test]
    public void A_split_has_every_picture_once_and_each_class_by_its_share()
    {
        PutSet("set.json", 120);
        string[] command = ["data", "split", "set.json", "--shares", "0.7,0.2,0.1", "--seed", "1", "--out"];
        var result = Fpn([.. command, "parts/a.json,parts/b.json,parts/c.json"]);
        result.AssertExit(0);
        string[] parts = ["parts/a.json", "parts/b.json", "parts/c.json"];
        Assert.That(parts.Select(part => PicturesIn(part).Length), Is.EqualTo(new[] { 84, 24, 12 }));
        Assert.That(parts.SelectMany(PicturesIn), Is.EquivalentTo(PicturesIn("set.json")));
        Assert.That(parts.SelectMany(ObjectsIn), Is.EquivalentTo(ObjectsIn("set.json")));
        // 120 cats and 30 dogs.
        Assert.That(parts.Select(part => Number(part, " cat ")), Is.EqualTo(new[] { 84, 24, 12 }));
        Assert.That(parts.Select(part => Number(part, " dog ")), Is.EqualTo(new[] { 21, 6, 3 }));
        Assert.That(result.Output, Does.Contain("pictures").And.Contain("0.700").And.Contain("parts/c.json"));
        var first = Json("parts/a.json");
        Assert.That((string)first["annotations"]![0]!["by"]!, Is.EqualTo("hand"), "entries keep all keys");
        Assert.That(first["annotations"]![0]!["segmentation"]![0]!.AsArray(), Has.Count.EqualTo(6), "polygons stay polygons");
        Assert.That((int)first["info"]!["year"]!, Is.EqualTo(2026));
        Fpn([.. command, "d.json,e.json,f.json"]).AssertExit(0);
        Assert.That(File.ReadAllBytes(At("d.json")), Is.EqualTo(File.ReadAllBytes(At("parts/a.json"))), "the same seed");
    }

    [TestCase("--shares=0.8,0.1", 2, "--shares is '0.8,0.1', which adds up to 0.9, not to 1")]
    [TestCase("--shares=0.8,0.1,0.1", 2, "--shares has 3 numbers for 2 files")]
    [TestCase("--shares=1.2,-0.2", 2, "it must be numbers above 0")]
    [TestCase("--shares=0.99,0.01", 1, "'b.json' would have no picture")]
    [TestCase("--seed=x", 2, "--seed is 'x'")]
    public void A_wrong_split_is_explained(string option, int code, string expected)
    {
        PutSet("set.json", 12);
        var result = Fpn("data", "split", "set.json", "--out", "a.json,b.json", option);
        result.AssertExit(code);
        result.AssertOneError(expected);
    }

    [Test]
    public void A_split_never_writes_over_its_input_nor_twice()
    {
        PutSet("set.json", 12);
        Fpn("data", "split", "set.json", "--out", "set.json,b.json").AssertOneError("which this command reads");
        Fpn("data", "split", "set.json", "--out", "b.json,./b.json").AssertOneError("is named twice");
        Fpn("data", "split", "set.json", "--out", "b.json").AssertOneError("at least two files");
        Fpn("data", "split", "gone.json", "--out", "a.json,b.json").AssertOneError("gone.json");
    }

    [Test]
    public void Objects_of_unlisted_pictures_are_named_before_they_are_left_out()
    {
        PutSet("set.json", 12, """, { "id": 1, "image_id": "p99", "category_id": 3, "bbox": [1, 1, 2, 2] }""");
        Fpn("data", "split", "set.json", "--out", "a.json,b.json").AssertOneError("1 of 17 objects is left out");
        Assert.That(File.Exists(At("a.json")), Is.False);
    }

    [Test]
    public void A_subset_has_the_classes_and_pictures_that_were_asked_for()
    {
        PutSet("set.json", 24);
        var dogs = Fpn("data", "subset", "set.json", "--classes", "dog", "--out", "dogs.json");
        dogs.AssertExit(0);
        Assert.That(dogs.Output, Does.Contain("dogs.json: 6 of 24 pictures, 6 of 31 objects, 1 class (dog)"));
        Assert.That(dogs.Output, Does.Contain("18 pictures without an object of this class are left out"));
        Assert.That(ClassesIn("dogs.json"), Is.EqualTo(new[] { "dog" }));
        Assert.That((string)Json("dogs.json")["annotations"]![0]!["by"]!, Is.EqualTo("hand"));
        Fpn("data", "subset", "set.json", "--classes", "dog", "--keep-empty", "--out", "all.json").AssertExit(0);
        Assert.That(PicturesIn("all.json"), Has.Length.EqualTo(24));
        Fpn("data", "subset", "set.json", "--pictures", "5", "--seed", "3", "--out", "five.json").AssertExit(0);
        Fpn("data", "subset", "set.json", "--pictures", "5", "--seed", "4", "--out", "other.json").AssertExit(0);
        Assert.That(PicturesIn("five.json"), Has.Length.EqualTo(5).And.SubsetOf(PicturesIn("set.json")).And.Not.EqualTo(PicturesIn("other.json")));
    }

    [Test]
    public void Two_classes_of_one_new_name_become_one()
    {
        PutSet("set.json", 12);
        Fpn("data", "subset", "set.json", "--rename", "cat=pet", "--rename", "dog=pet", "--classes", "pet", "--out", "pets.json").AssertExit(0);
        Assert.That(ClassesIn("pets.json"), Is.EqualTo(new[] { "pet" }));
        Assert.That(ObjectsIn("pets.json"), Has.Length.EqualTo(12 + 3).And.All.Contains(" pet "));
        Fpn("data", "subset", "set.json", "--rename", "cat=dog", "--out", "dogs.json").AssertExit(0);
        Assert.That(ClassesIn("dogs.json"), Is.EqualTo(new[] { "dog", "mouse" }));
        Assert.That((string)Json("dogs.json")["categories"]![0]!["supercategory"]!, Is.EqualTo("animal"), "the class that had the name stands");
    }

    [TestCase("--classes=cow", 1, "There is no class 'cow'; the classes are cat, dog, mouse")]
    [TestCase("--rename=cow=ox", 1, "There is no class 'cow'")]
    [TestCase("--rename=cow", 2, "it must be OLD=NEW")]
    [TestCase("--pictures=13", 1, "--pictures asks for 13, but 'set.json' has only 12 pictures")]
    [TestCase("--pictures=0", 2, "--pictures is '0'")]
    [TestCase("--keep-empty", 2, "There is nothing to do")]
    public void A_wrong_subset_is_explained(string option, int code, string expected)
    {
        PutSet("set.json", 12);
        var result = Fpn("data", "subset", "set.json", "--out", "a.json", option);
        result.AssertExit(code);
        result.AssertOneError(expected);
    }

    [Test]
    public void Merged_sets_have_new_ids_and_one_category_a_name()
    {
        PutPicture("one/a.png");
        PutPicture("two/pictures/a.png");
        PutPicture("two/pictures/b.png");
        Put("one/set.json", Set("""{ "id": 1, "file_name": "a.png", "license": 4 }""", Object(1, 7), """{ "id": 7, "name": "cat" }"""));
        Put("two/set.json", Set(
            """{ "id": 1, "file_name": "a.png" }, { "id": 2, "file_name": "b.png" }""", $"{Object(1, 7)}, {Object(2, 8)}",
            """{ "id": 7, "name": "dog" }, { "id": 8, "name": "cat" }"""));
        var result = Fpn("data", "merge", "one/set.json", "two/set.json", "-p", "one", "-p", "two/pictures", "--out", "two/all.json");
        result.AssertExit(0);
        Assert.That(ObjectsIn("two/all.json"), Is.EqualTo(new[] { "../one/a.png cat 1,2,3,4", "pictures/a.png dog 1,2,3,4", "pictures/b.png cat 1,2,3,4" }));
        Assert.That(ClassesIn("two/all.json"), Is.EqualTo(new[] { "cat", "dog" }));
        Assert.That(Json("two/all.json")["annotations"]!.AsArray().Select(o => (int)o!["id"]!), Is.EqualTo(new[] { 1, 2, 3 }));

        var twice = Fpn("data", "merge", "one/set.json", "one/set.json", "--out", "all.json");
        twice.AssertExit(1);
        twice.AssertOneError("1 picture that another set has, too (the first set's counts)");
        Fpn("data", "merge", "one/set.json", "two/set.json", "--out", "all.json").AssertOneError("2 missing picture files");
        Fpn("data", "merge", "one/set.json", "two/set.json", "--pictures", "one", "--out", "all.json").AssertOneError("--pictures is given 1 times for 2 files");
        Fpn("data", "merge", "one/set.json", "--out", "all.json").AssertOneError("There is only one file");

        static string Set(string pictures, string objects, string categories)
            => $$"""{ "images": [{{pictures}}], "annotations": [{{objects}}], "categories": [{{categories}}] }""";
        static string Object(int picture, int category)
            => $$"""{ "id": 1, "image_id": {{picture}}, "category_id": {{category}}, "bbox": [1, 2, 3, 4], "iscrowd": 0 }""";
    }

    private int Number(string path, string name) => ObjectsIn(path).Count(o => o.Contains(name, StringComparison.Ordinal));
}
