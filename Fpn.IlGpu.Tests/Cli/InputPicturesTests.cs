using Fpn.IlGpu.Cli;

namespace Fpn.IlGpu.Tests.Cli;

/// <summary>How paths become files, without running the command.</summary>
internal sealed class InputPicturesTests : CommandFolderTest
{
    [SetUp]
    public void PutFiles()
    {
        foreach (var path in new[]
        {
            "b.png", "a.jpg", "C.JPEG", "notes.txt", ".hidden.png", "detections/a.jpg",
            "sub/d.webp", "sub/deep/e.bmp", "sub/.hidden/f.png",
        })
        {
            Put(path, []);
        }
    }

    [Test]
    public void A_folder_gives_its_pictures_by_name()
        => Assert.That(Find("."), Is.EqualTo(["C.JPEG", "a.jpg", "b.png"]));

    [Test]
    public void Recursion_leaves_out_hidden_folders_and_results()
        => Assert.That(Find(".", recursive: true), Is.EqualTo(["C.JPEG", "a.jpg", "b.png", "sub/d.webp", "sub/deep/e.bmp"]));

    [TestCase("*", new[] { "C.JPEG", "a.jpg", "b.png" })]
    [TestCase("?.png", new[] { "b.png" })]
    [TestCase("s*/*", new[] { "sub/d.webp" })]
    [TestCase("**", new[] { "C.JPEG", "a.jpg", "b.png", "sub/d.webp", "sub/deep/e.bmp" })]
    [TestCase("**/*.bmp", new[] { "sub/deep/e.bmp" })]
    [TestCase("sub/**/e.*", new[] { "sub/deep/e.bmp" })]
    [TestCase("./sub/../*.png", new[] { "b.png" })]
    [TestCase("detections/*", new[] { "detections/a.jpg" })]
    [TestCase(".h*", new[] { ".hidden.png" })]
    public void A_pattern_gives_the_pictures_that_match(string pattern, string[] expected)
        => Assert.That(Find(pattern), Is.EqualTo(expected));

    [Test]
    public void Results_are_inputs_if_they_are_named()
        => Assert.That(Find("detections"), Is.EqualTo(["detections/a.jpg"]));

    [Test]
    public void A_named_file_is_taken_whatever_its_name()
        => Assert.That(Find("notes.txt"), Is.EqualTo(["notes.txt"]));

    [Test]
    public void A_file_whose_name_looks_like_a_pattern_is_that_file()
    {
        Assume.That(OperatingSystem.IsWindows(), Is.False, "Windows doesn't allow such names");
        Put("a*.png", []);
        Put("ab.png", []);
        Assert.That(Find("a*.png"), Is.EqualTo(["a*.png"]));
    }

    [Test]
    public void A_link_to_a_parent_folder_does_not_hang()
    {
        Assume.That(OperatingSystem.IsWindows(), Is.False, "links need privileges on Windows");
        Directory.CreateSymbolicLink(At("sub/up"), Folder);
        Assert.That(Find("sub", recursive: true), Is.EqualTo(["sub/d.webp", "sub/deep/e.bmp"]));
        Assert.That(Find("**/*.bmp"), Is.EqualTo(["sub/deep/e.bmp"]));
    }

    [Test]
    public void Files_are_listed_once_and_problems_are_reported()
    {
        var found = InputPictures.Find([At("b.png"), At("no.png"), At("./b.png"), At("*.gif")], false, At("detections"));
        Assert.That(found.Files, Is.EqualTo([At("b.png")]));
        Assert.That(found.Problems, Has.Count.EqualTo(2));
    }

    private string[] Find(string path, bool recursive = false)
    {
        var found = InputPictures.Find([At(path)], recursive, At("detections"));
        Assert.That(found.Problems, Is.Empty);
        return [.. found.Files.Select(file => Path.GetRelativePath(Folder, file).Replace('\\', '/'))];
    }
}
