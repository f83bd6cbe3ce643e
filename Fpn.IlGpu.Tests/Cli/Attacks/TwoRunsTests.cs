using System.Text;
using Fpn.IlGpu.Files;

namespace Fpn.IlGpu.Tests.Cli;

/// <summary>A second command in the place of one that runs: it says who is there, and changes nothing. This process plays the first.</summary>
internal sealed class TwoRunsTests : CommandProcessTest
{
    private static string Holder => $"process {Environment.ProcessId} on ";

    [Test]
    public void Two_trainers_do_not_share_a_folder()
    {
        Put("run.json", Encoding.UTF8.GetBytes(TinyTraining.Json(steps: 1, checkpointEvery: 1)));
        Directory.CreateDirectory(At("run"));
        using (FileLock.TryTake(FileLock.OfFolder(At("run")), out _))
        {
            var result = Fpn("train", "run.json", "--device", "cpu");
            result.AssertExit(1);
            result.AssertOneError($"The run's folder 'run' is in use by {Holder}");
        }
        Fpn("train", "run.json", "--device", "cpu").AssertExit(0);
        Assert.That(FilesIn("run"), Is.EqualTo(["checkpoint.safetensors", "model.safetensors", "training.csv", "training.svg"]));
    }

    [Test]
    public void Two_detections_do_not_write_one_file()
    {
        PutSample("a.png");
        Put("found.jsonl", "theirs"u8.ToArray());
        using (FileLock.TryTake(FileLock.OfFile(At("found.jsonl")), out _))
        {
            var result = Fpn("detect", "a.png", "--json", "found.jsonl", "--no-pictures");
            result.AssertExit(1);
            result.AssertOneError($"The file 'found.jsonl' can't be written (it is being written by {Holder}");
            Assert.That(File.ReadAllText(At("found.jsonl")), Is.EqualTo("theirs"));
        }
        Fpn("detect", "a.png", "--json", "found.jsonl", "--no-pictures").AssertExit(0);
        Assert.That(FilesIn("."), Is.EqualTo(["a.png", "found.jsonl"]), "the lock is gone");
    }

    [Test]
    public void Two_runs_of_shapes_do_not_share_a_folder()
    {
        Directory.CreateDirectory(At("set"));
        using var held = FileLock.TryTake(FileLock.OfFolder(At("set")), out _);

        var result = Fpn("shapes", "set", "--count", "1", "--size", "64x64", "--largest", "40");

        result.AssertExit(1);
        result.AssertOneError($"The folder 'set' is being written by {Holder}");
    }

    [Test]
    [Platform("Linux", Reason = "It has /dev/null and no lock is wanted beside it.")]
    public void A_device_is_not_locked()
    {
        PutSample("a.png");
        Fpn("detect", "a.png", "--json", "/dev/null", "--no-pictures").AssertExit(0);
        Assert.That(Directory.GetFiles("/dev", ".fpn*"), Is.Empty);
    }
}
