using System.Diagnostics;

namespace Fpn.IlGpu.Tests.Cli;

/// <summary>A run of <c>fpn train</c> that is killed or stopped, then resumed, ends with the weights of an uninterrupted run.</summary>
internal sealed class TrainResumptionTests : CommandProcessTest
{
    private const int Sigint = 2;

    // Far more than a run takes between writing a checkpoint and being killed.
    private const int Steps = 50;
    private const string Checkpoint = "checkpoint.safetensors";

    private DirectoryInfo reference = null!;

    /// <summary>Runs the uninterrupted reference.</summary>
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
    public void A_killed_run_resumes_to_the_same_weights_as_an_uninterrupted_run()
    {
        // The second run is killed while it writes the model or draws the plot, or soon after. If a run ends before it is killed, which
        // takes a machine that stalls for all of the run's steps, both start over.
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
    [Platform(Exclude = "Win", Reason = "On Windows, Ctrl-C can't be sent to one process alone.")]
    public void A_run_that_is_asked_to_stop_leaves_a_checkpoint_of_its_last_step()
    {
        Assume.That(InterruptionTests.IsIgnored(Sigint), Is.False, "the tests run where the shell makes them ignore this signal");
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
        Assert.That(FilesIn("run"), Is.EqualTo([Checkpoint, "model.safetensors", "training.csv", "training.svg"]));
        Assert.That(Train("--resume").Output, Does.Contain($"resuming after step {steps}\n"), "no step was lost");
        AssertSameAsReference();
        Assert.That(FilesIn("run"), Is.EqualTo([Checkpoint, "model.safetensors", "training.csv", "training.svg"]));
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

    /// <summary>Starts a run, and kills it, as a power cut would, once it has written a checkpoint.</summary>
    /// <returns>Whether the run was killed before its end.</returns>
    private bool Kill(params string[] arguments)
    {
        var before = Written();
        using var process = Start(arguments);
        WaitFor(() => Written() != before, process);
        process.Kill();
        return process.ExitCode != 0;

        DateTime Written() => File.GetLastWriteTimeUtc(At(Path.Combine("run", Checkpoint)));
    }

    /// <summary>Waits until a condition holds, or the process has ended.</summary>
    private static void WaitFor(Func<bool> isThere, FpnProcess process)
    {
        var clock = Stopwatch.StartNew();
        while (!isThere() && !process.HasExited)
        {
            Assert.That(clock.Elapsed, Is.LessThan(TimeSpan.FromMinutes(1)), "fpn wrote nothing");
            Thread.Sleep(1);
        }
    }

    /// <summary>The number of steps with a whole line in the log.</summary>
    private int StepsDone => Math.Max(0, LinesIn("run/training.csv") - 1);

    private void AssertSameAsReference()
    {
        foreach (var file in (string[])["model.safetensors", Checkpoint])
        {
            var whole = File.ReadAllBytes(Path.Combine(reference.FullName, "run", file));
            Assert.That(File.ReadAllBytes(At(Path.Combine("run", file))), Is.EqualTo(whole), file);
        }
        Assert.That(Losses(Folder), Is.EqualTo(Losses(reference.FullName)), "every step is logged once");
    }

    // Every column except the time of each step.
    private static string[] Losses(string folder)
        => [.. File.ReadLines(Path.Combine(folder, "run", "training.csv")).Select(line => line[..line.LastIndexOf(',')])];
}
