using System.Text;
using Fpn.IlGpu.Files;

namespace Fpn.IlGpu.Tests.Files;

/// <summary>Files with a temporary name until they are complete, names that fit, and locks.</summary>
internal sealed class UnfinishedFileTests
{
    private string folder = "";

    [SetUp]
    public void Make() => folder = Directory.CreateTempSubdirectory("fpn-").FullName;

    [TearDown]
    public void Remove() => Directory.Delete(folder, recursive: true);

    [Test]
    public void A_file_appears_only_when_it_is_complete()
    {
        using (var file = UnfinishedFile.Create(At("a.txt")))
        {
            file.Stream.Write("new"u8);
            Assert.That(File.Exists(At("a.txt")), Is.False);
            file.Complete();
        }
        Assert.That(File.ReadAllText(At("a.txt")), Is.EqualTo("new"));
        using (var failed = UnfinishedFile.Create(At("a.txt")))
            failed.Stream.Write("half"u8);
        Assert.That(File.ReadAllText(At("a.txt")), Is.EqualTo("new"));
        Assert.That(Directory.GetFiles(folder), Has.Length.EqualTo(1));
    }

    [Test]
    public void What_a_killed_process_left_is_cleaned_and_what_is_being_written_stays()
    {
        using var alive = UnfinishedFile.Create(At("a.txt"));
        string left;
        using (var killed = UnfinishedFile.Create(At("b.txt")))
        {
            left = killed.TemporaryPath;
            File.Copy(left, $"{left}.copy");
        }
        File.Move($"{left}.copy", left);
        File.WriteAllText(At(".fpn-notes.txt"), "someone else's");

        UnfinishedFile.Clean(folder);

        Assert.That(File.Exists(left), Is.False);
        Assert.That(File.Exists(alive.TemporaryPath), Is.True);
        Assert.That(File.Exists(At(".fpn-notes.txt")), Is.True);
    }

    [Test]
    public void A_name_of_255_bytes_can_be_written()
    {
        var path = At(FileNames.Fit(new string('é', 200), ".png"));
        using (var file = UnfinishedFile.Create(path))
            file.Complete();
        Assert.That(File.Exists(path), Is.True);
        Assert.That(FileLock.OfFile(path), Has.Length.LessThan(path.Length), "its lock has a name that fits, too");
    }

    [TestCase("short", "-2.png", "short-2.png")]
    [TestCase("", ".png", ".png")]
    public void A_name_that_fits_is_kept(string stem, string ending, string name) => Assert.That(FileNames.Fit(stem, ending), Is.EqualTo(name));

    [Test]
    public void A_long_name_is_cut_between_two_characters()
    {
        var name = FileNames.Fit(string.Concat(Enumerable.Repeat("😀", 100)), "-2.png");
        Assert.That(Encoding.UTF8.GetByteCount(name), Is.InRange(252, 255));
        Assert.That(name, Does.EndWith("😀-2.png"));
    }

    [Test]
    public void A_lock_is_held_once_and_names_its_holder()
    {
        using (FileLock.TryTake(At("lock"), out _))
        {
            Assert.That(FileLock.TryTake(At("lock"), out var holder), Is.Null);
            Assert.That(holder, Does.Match($@"^process {Environment.ProcessId} on \S+, since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d UTC$"));
        }
        using var again = FileLock.TryTake(At("lock"), out _);
        Assert.That(again, Is.Not.Null);
        again!.Dispose();
        Assert.That(Directory.GetFiles(folder), Is.Empty);
    }

    [Test]
    public void All_names_of_a_file_have_one_lock()
    {
        File.WriteAllText(At("a.json"), "");
        if (!OperatingSystem.IsWindows())
            File.CreateSymbolicLink(At("link.json"), At("a.json"));
        Assert.That(FileLock.OfFile(At("link.json")), OperatingSystem.IsWindows() ? Is.Not.Null : Is.EqualTo(FileLock.OfFile(At("a.json"))));
        Assert.That(FileLock.OfFile(At("./a.json")), Is.EqualTo(FileLock.OfFile(At("a.json"))));
        Assert.That(FileLock.OfFile(At("b.json")), Is.Not.EqualTo(FileLock.OfFile(At("a.json"))));
    }

    [Test]
    [Platform(Exclude = "Win", Reason = "Creating links needs a privilege.")]
    public void A_link_in_the_place_of_a_locks_note_is_not_followed()
    {
        File.WriteAllText(At("precious"), "kept");
        File.CreateSymbolicLink(At("lock-holder"), At("precious"));

        FileLock.TryTake(At("lock"), out _)!.Dispose();

        Assert.That(File.ReadAllText(At("precious")), Is.EqualTo("kept"));
    }

    private string At(string path) => Path.Combine(folder, path);
}
