namespace Fpn.IlGpu.Tests.Cli;

/// <summary>Which files <c>fpn detect</c> reads and writes.</summary>
internal sealed class DetectFilesTests : CommandTest
{
    [Test]
    public void Pictures_of_the_same_name_are_all_drawn()
    {
        PutSample("one/x.png", 0);
        PutSample("two/x.png", 1);
        PutSample("three/X.png", 2);

        var result = Fpn("detect", "one", "two", "three", "--out", "drawn");

        result.AssertExit(0);
        Assert.That(FilesIn("drawn"), Is.EqualTo(["X-3.png", "x-2.png", "x.png"]));
        Assert.That(result.Output, Does.Contain("drawn as x-2.png").And.Contain("drawn as X-3.png"));
    }

    [Test]
    public void An_input_is_not_overwritten()
    {
        PutSample("in/x.png");
        var before = File.ReadAllBytes(At("in/x.png"));

        Fpn("detect", "in/x.png", "--out", "in").AssertExit(0);

        Assert.That(File.ReadAllBytes(At("in/x.png")), Is.EqualTo(before));
        Assert.That(FilesIn("in"), Is.EqualTo(["x-2.png", "x.png"]));
    }

    [Test]
    public void A_folder_and_a_pattern_together_give_each_picture_once()
    {
        PutSample("in/a.png");
        PutSample("in/b.png");
        PutSample("more/deep/c.png");
        PutSample("more/deep/d.png");
        Put("in/notes.txt", "no picture"u8.ToArray());

        var result = Fpn("detect", "in", "in/a*.png", "more/**/c.?ng", "--no-pictures");

        result.AssertExit(0);
        Assert.That(result.Output, Does.Contain("3 pictures, "));
        Assert.That(result.Output, Does.Contain(Path.Join("more", "deep", "c.png") + ": "));
    }

    [Test]
    public void Bad_pictures_do_not_stop_the_good_ones()
    {
        PutSample("in/1.png");
        Put("in/2-text.jpg", "This is a text.\n"u8.ToArray());
        Put("in/3-empty.png", []);
        PutSample("in/4.png");

        var result = Fpn("detect", "missing.png", "in", "--json", "found.jsonl");

        result.AssertExit(1);
        Assert.Multiple(() =>
        {
            Assert.That(result.Errors, Has.Length.EqualTo(3));
            Assert.That(result.Error, Does.Contain("missing.png").And.Contain("2-text.jpg").And.Contain("3-empty.png"));
            Assert.That(result.Output, Does.Contain("2 pictures, 2 failed, "));
            Assert.That(File.ReadAllLines(At("found.jsonl")), Has.Length.EqualTo(2));
            Assert.That(FilesIn("detections"), Is.EqualTo(["1.png", "4.png"]));
        });
    }

    [TestCase("text.jpg", "This is a text.\n")]
    [TestCase("empty.jpg", "")]
    [TestCase("empty.png", "")]
    public void A_file_that_is_not_a_picture_is_named(string name, string content)
    {
        Put(name, System.Text.Encoding.ASCII.GetBytes(content));

        var result = Fpn("detect", name);

        result.AssertExit(1);
        result.AssertOneError(name);
    }

    [Test]
    public void A_picture_over_the_limit_is_refused()
    {
        PutSample("a.png");

        var result = Fpn("detect", "a.png", "--max-pixels", "102399");

        result.AssertExit(1);
        result.AssertOneError("a.png");
        Fpn("detect", "a.png", "--max-pixels", "102400").AssertExit(0);
    }

    [Test]
    public void A_missing_file_is_named()
    {
        var result = Fpn("detect", "no/such.jpg");

        result.AssertExit(1);
        result.AssertOneError("There is no file or folder 'no/such.jpg'");
    }

    [Test]
    public void An_empty_folder_is_reported()
    {
        Directory.CreateDirectory(At("empty"));

        var result = Fpn("detect", "empty");

        result.AssertExit(1);
        result.AssertOneError("The folder 'empty' has no pictures");
    }

    [Test]
    public void A_pattern_without_a_match_is_reported()
    {
        var result = Fpn("detect", "*.jpg");

        result.AssertExit(1);
        result.AssertOneError("No picture matches '*.jpg'");
    }

    [TestCase("--out")]
    [TestCase("--json")]
    public void An_output_that_cannot_be_written_is_reported_before_anything_is_detected(string option)
    {
        PutSample("some.png");

        // A folder below a file, which not even an administrator can create.
        var result = Fpn("detect", "some.png", option, "some.png/x");

        result.AssertExit(1);
        result.AssertOneError(option);
        Assert.That(result.Output, Is.Empty);
    }
}
