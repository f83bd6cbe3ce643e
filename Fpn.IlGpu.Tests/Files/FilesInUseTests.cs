using System.Diagnostics;
using Fpn.IlGpu.Files;

namespace Fpn.IlGpu.Tests.Files;

/// <summary>Whether an output is one of a command's inputs, by whatever name it is reached.</summary>
[Platform(Exclude = "Win", Reason = "Creating links needs a privilege.")]
internal sealed class FilesInUseTests
{
    private string folder = "";

    [SetUp]
    public void Put()
    {
        folder = Directory.CreateTempSubdirectory("fpn-").FullName;
        Directory.CreateDirectory(At("photos"));
        File.WriteAllText(At("photos/a.png"), "a");
        File.WriteAllText(At("b.json"), "b");
    }

    [TearDown]
    public void Remove() => Directory.Delete(folder, recursive: true);

    [Test]
    public void A_file_is_recognised_through_every_kind_of_link()
    {
        File.CreateSymbolicLink(At("link.png"), "photos/a.png");
        File.CreateSymbolicLink(At("link-of-link.png"), "link.png");
        Directory.CreateSymbolicLink(At("out"), "photos");
        using (var ln = Process.Start("ln", [At("photos/a.png"), At("hard.png")]))
            ln.WaitForExit();
        var inUse = new FilesInUse();
        inUse.AddInputs(At("photos/a.png"));

        foreach (var name in (string[])["photos/a.png", "photos/../photos/a.png", "link.png", "link-of-link.png", "out/a.png", "hard.png"])
            Assert.That(inUse.WhyNot(At(name)), Is.EqualTo($"it is '{At("photos/a.png")}', which this command reads"), name);
        foreach (var name in (string[])["photos/b.png", "b.json", "missing/a.png", "photos"])
            Assert.That(inUse.WhyNot(At(name)), Is.Null, name);
    }

    [Test]
    public void An_input_that_is_a_link_protects_its_target()
    {
        File.CreateSymbolicLink(At("link.png"), "photos/a.png");
        var inUse = new FilesInUse();
        inUse.AddInputs(At("link.png"), null, At("no-such-file"));

        Assert.That(inUse.WhyNot(At("photos/a.png")), Does.Contain("which this command reads"));
    }

    [Test]
    public void Two_outputs_may_not_be_one_file_but_may_be_one_device()
    {
        var inUse = new FilesInUse();
        inUse.AddOutput(At("b.json"), "--json");
        inUse.AddOutput("/dev/null", "--json");

        Assert.That(inUse.WhyNot(At("b.json")), Is.EqualTo("it is also the output of --json"));
        Assert.That(inUse.WhyNot("/dev/null"), Is.Null);
    }

    [Test]
    public void The_real_path_has_no_links_and_keeps_what_is_missing()
    {
        Directory.CreateSymbolicLink(At("out"), "photos");
        Directory.CreateSymbolicLink(At("round"), "round/about");
        var real = FileIdentity.RealPath(folder);

        Assert.That(FileIdentity.RealPath(At("out/a.png")), Is.EqualTo(Path.Join(real, "photos", "a.png")));
        Assert.That(FileIdentity.RealPath(At("out/new/x.png")), Is.EqualTo(Path.Join(real, "photos", "new", "x.png")));
        Assert.That(FileIdentity.RealPath(At("round/x")), Does.EndWith("x"), "links in a circle are not followed for ever");
    }

    private string At(string path) => Path.Combine(folder, path);
}
