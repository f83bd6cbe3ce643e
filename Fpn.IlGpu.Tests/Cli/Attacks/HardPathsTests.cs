using System.Diagnostics;

namespace Fpn.IlGpu.Tests.Cli;

/// <summary>Long names, and folders that can't be read.</summary>
[Platform(Exclude = "Win", Reason = "They need POSIX's names and permissions.")]
internal sealed class HardPathsTests : CommandTest
{
    [TestCase(219, ".png")]
    [TestCase(251, ".png")]
    [TestCase(251, ".jpg")]
    [TestCase(255, "")]
    public void A_picture_with_a_long_name_is_drawn(int stemBytes, string extension)
    {
        var name = new string('n', stemBytes) + extension;
        PutSample(name);

        var result = Fpn("detect", name);
        // The names are taken now, so that the next ones are longer.
        var again = Fpn("detect", name, "--out", ".");

        result.AssertExit(0);
        again.AssertExit(0);
        Assert.That(FilesIn("detections"), Has.Length.EqualTo(1));
        Assert.That(FilesIn("detections")[0], Does.EndWith(extension == ".jpg" ? ".jpg" : ".png").And.Length.LessThanOrEqualTo(255));
    }

    [Test]
    public void A_result_file_with_a_long_name_is_written()
    {
        var name = new string('n', 249) + ".jsonl";
        PutSample("a.png");

        Fpn("detect", "a.png", "--json", name, "--no-pictures").AssertExit(0);

        Assert.That(LinesIn(name), Is.EqualTo(1));
    }

    [Test]
    public void A_subfolder_without_permission_does_not_lose_the_others()
    {
        Assume.That(Environment.IsPrivilegedProcess, Is.False, "an administrator may read every folder");
        PutSample("in/a.png");
        PutSample("in/closed/b.png");
        PutSample("in/open/c.png");
        Permit("in/closed", "000");
        try
        {
            AssertOthersAreRead(Fpn("detect", "in", "--recursive", "--no-pictures"), "in/closed");
        }
        finally
        {
            Permit("in/closed", "700");
        }
    }

    // A path longer than the system allows is what not even an administrator can read.
    [Test]
    public void A_subfolder_that_is_too_deep_does_not_lose_the_others()
    {
        PutSample("in/a.png");
        PutSample("in/open/c.png");
        var deep = string.Join('/', Enumerable.Repeat(new string('d', 200), 12));
        Directory.CreateDirectory(At($"in/{deep}"));
        Directory.CreateDirectory(At($"out/{deep}"));
        Directory.Move(At("out"), At($"in/{deep}/out"));
        try
        {
            AssertOthersAreRead(Fpn("detect", "in", "--recursive", "--no-pictures"), "in/ddd");
            AssertOthersAreRead(Fpn("detect", "in/**/*.png", "--no-pictures"), "in/ddd");
        }
        finally
        {
            Directory.Move(At($"in/{deep}/out"), At("out"));
        }
    }

    private static void AssertOthersAreRead(FpnResult result, string folder)
    {
        Assert.That(result.ExitCode, Is.EqualTo(1));
        Assert.That(result.Errors, Has.Some.StartsWith($"fpn: The folder '{folder}").And.Contains("so its pictures are missing"));
        Assert.That(result.Output, Does.Contain("2 pictures, "));
    }

    private void Permit(string path, string mode)
    {
        using var chmod = Process.Start("chmod", [mode, At(path)]);
        chmod.WaitForExit();
    }
}
