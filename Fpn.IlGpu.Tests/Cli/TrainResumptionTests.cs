using System.Diagnostics;

namespace Fpn.IlGpu.Tests.Cli;

/// <summary><c>fpn train</c> that is killed, or asked to stop, and goes on: it ends with the weights of one that was let run.</summary>
internal sealed class TrainResumptionTests : CommandTest
{
    private const int Sigint = 2;

    // Far more than are taken between the moment that a checkpoint is there and the one at which the run is ended.
    private const int Steps = 50;
    private const string Checkpoint = "checkpoint.safetensors";

    private DirectoryInfo reference = null!;

    /// <summary>The run that nothing stops.</summary>
    [OneTimeSetUp]
    public void RunThrough()
    {
        reference = Directory.CreateTempSubdirectory("fpn-");
        Configure(reference.FullName);
        FpnProcess.Run(reference.FullName, "train", "run.json", "--device", "cpu").AssertExit(0);
    }

    [OneTimeTearDown]
    public void RemoveReference() => reference.Delete(recursive: true);

    [SetUp]
    public void Configure() => Configure(Folder);

    [Test]
    public void A_killed_run_goes_on_to_the_very_weights_of_one_that_was_not()
    {
        // The second one is killed while it draws the picture of the losses, or soon after. Should one come to its end before it is
        // killed, which takes a machine that stands still for all of its steps, both begin anew.
        for (var attempt = 0; !(Kill() && Kill("--resume")); attempt++)
        {
            Assert.That(attempt, Is.LessThan(5), "no run could be killed before its end");
            Directory.Delete(At("run"), recursive: true);
        }
        var resumed = Train("--resume");

        Assert.That(resumed.Output, Does.Match(@"resuming after step \d+"));
        AssertSameAsReference();
    }

    [Test]
    [Platform(Exclude = "Win", Reason = "A process can't be sent Ctrl-C alone on Windows.")]
    public void A_run_that_is_asked_to_stop_leaves_a_checkpoint_of_its_last_step()
    {
        Assume.That(InterruptionTests.IsIgnored(Sigint), Is.False, "the tests run where a shell has this signal ignored");
        FpnResult stopped;
        using (var process = Start())
        {
            WaitFor(() => StepsDone >= 2, process);
            Assert.That(process.HasExited, Is.False, "fpn ended too early");
            process.Signal(Sigint);
            stopped = process.Finish();
        }
        Assert.That(stopped.ExitCode, Is.EqualTo(130), stopped.Error);
        stopped.AssertOneError("Stopping after this step");
        var steps = StepsDone;
        Assert.That(steps, Is.InRange(2, Steps - 1));
        Assert.That(
            stopped.Output,
            Does.Contain($"Stopped after step {steps} of {Steps}; resume with 'fpn train run.json --out run --resume'."));
        Assert.That(FilesIn("run"), Is.EqualTo([Checkpoint, "loss.png", "training.csv"]));
        Assert.That(Train("--resume").Output, Does.Contain($"resuming after step {steps}\n"), "no step was lost");
        AssertSameAsReference();
        Assert.That(FilesIn("run"), Is.EqualTo([Checkpoint, "loss.png", "model.safetensors", "training.csv"]));
    }

    private static void Configure(string folder)
        => File.WriteAllText(Path.Combine(folder, "run.json"), TinyTraining.Json(Steps, checkpointEvery: 5));

    private FpnProcess Start(params string[] arguments) => FpnProcess.Start(Folder, ["train", "run.json", "--device", "cpu", .. arguments]);

    private FpnResult Train(params string[] arguments)
    {
        using var process = Start(arguments);
        var result = process.Finish();
        result.AssertExit(0);
        return result;
    }

    /// <summary>Starts a run, and ends it as a power cut would, once it has written a checkpoint to go on from.</summary>
    /// <returns>Whether it had not come to its end by then.</returns>
    private bool Kill(params string[] arguments)
    {
        var before = Written();
        using var process = Start(arguments);
        WaitFor(() => Written() != before, process);
        process.Kill();
        return !File.Exists(At("run/model.safetensors"));

        DateTime Written() => File.GetLastWriteTimeUtc(At(Path.Combine("run", Checkpoint)));
    }

    /// <summary>Waits until something is there, or the process has ended.</summary>
    private static void WaitFor(Func<bool> isThere, FpnProcess process)
    {
        var clock = Stopwatch.StartNew();
        while (!isThere() && !process.HasExited)
        {
            Assert.That(clock.Elapsed, Is.LessThan(TimeSpan.FromMinutes(1)), "fpn wrote nothing");
            Thread.Sleep(1);
        }
    }

    /// <summary>The steps that the log has whole lines of.</summary>
    private int StepsDone => Math.Max(0, LinesIn("run/training.csv") - 1);

    private void AssertSameAsReference()
    {
        foreach (var file in (string[])["model.safetensors", Checkpoint])
        {
            var whole = File.ReadAllBytes(Path.Combine(reference.FullName, "run", file));
            Assert.That(File.ReadAllBytes(At(Path.Combine("run", file))), Is.EqualTo(whole), file);
        }
        Assert.That(Losses(Folder), Is.EqualTo(Losses(reference.FullName)), "every step is there once");
    }

    // All but the time that each step took.
    private static string[] Losses(string folder)
        => [.. File.ReadLines(Path.Combine(folder, "run", "training.csv")).Select(line => line[..line.LastIndexOf(',')])];
}
