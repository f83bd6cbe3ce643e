using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Fpn.IlGpu.Tests.Cli;

/// <summary>Streams that are closed, too few files, and signals.</summary>
[Platform(Exclude = "Win", Reason = "They need a POSIX shell and signals.")]
internal sealed class HardshipTests : CommandProcessTest
{
    private const int Sighup = 1;
    private const int Sigterm = 15;

    [Test]
    public void Json_on_a_pipe_that_nobody_reads_any_more_ends_the_run()
    {
        for (var number = 0; number < 200; number++)
            PutSample(string.Create(CultureInfo.InvariantCulture, $"in/{number:D3}.png"));

        var result = Shell.Run(Folder, "{ FPN detect in --json - --out drawn; echo $? > code; } | head -n 1 > first");

        Assert.That(LinesIn("first"), Is.EqualTo(1));
        Assert.That(File.ReadAllText(At("code")).Trim(), Is.EqualTo("1"));
        result.AssertOneError("The JSON can't be written any more");
        Assert.That(FilesIn("drawn"), Has.Length.LessThan(100), "it did not go on for nobody");
    }

    [Test]
    public void Json_into_a_named_pipe_that_nobody_reads_any_more_ends_the_run()
    {
        for (var number = 0; number < 20; number++)
            PutSample(string.Create(CultureInfo.InvariantCulture, $"in/{number:D3}.png"));

        var result = Shell.Run(Folder, "mkfifo pipe; head -n 1 pipe > first & FPN detect in --json pipe --no-pictures");

        result.AssertExit(1);
        result.AssertOneError("The JSON can't be written any more");
    }

    [Test]
    public void Json_of_two_runs_into_one_redirected_file_is_one_after_the_other()
    {
        PutSample("a.png");

        Shell.Run(Folder, "{ FPN detect a.png --json - --no-pictures; FPN detect a.png missing.png --json - --no-pictures; } > all 2>&1");

        var lines = File.ReadAllLines(At("all"));
        Assert.That(lines, Has.Length.EqualTo(3));
        Assert.That(lines.Count(line => line.StartsWith("{\"image\":\"a.png\"", StringComparison.Ordinal) && line.EndsWith('}')), Is.EqualTo(2));
        Assert.That(lines, Has.One.Contains("missing.png"));
    }

    [Test]
    public void A_closed_standard_error_does_not_end_the_run()
    {
        PutSample("a.png");

        var result = Shell.Run(Folder, "FPN detect missing.png a.png --json found.jsonl --no-pictures 2>&-");

        Assert.That(result.ExitCode, Is.EqualTo(1), "only the missing picture failed");
        Assert.That(result.Output, Does.Contain("1 picture, "));
        using var line = JsonDocument.Parse(File.ReadAllText(At("found.jsonl")));
        Assert.That(line.RootElement.GetProperty("image").GetString(), Is.EqualTo("a.png"), "no error was written into the file");
    }

    [Test]
    public void A_closed_standard_output_is_an_error_and_not_a_file()
    {
        PutSample("a.png");

        var result = Shell.Run(Folder, "FPN detect a.png --json - --no-pictures 0<&- 1>&-");

        Assert.That(result.ExitCode, Is.EqualTo(1));
        result.AssertOneError("Standard output is closed");
    }

    [TestCase(64)]
    [TestCase(80)]
    [TestCase(100)]
    public void Too_few_files_give_a_sentence(int limit)
    {
        PutSample("a.png");

        var result = Shell.Run(Folder, $"ulimit -n {limit}; FPN detect a.png --no-pictures");

        Assert.That(result.ExitCode, Is.AnyOf(0, 1), result.Error);
        Assert.That(result.Errors, Has.Length.EqualTo(result.ExitCode));
        if (result.ExitCode != 0)
            Assert.That(result.Error, Does.Contain("ulimit -n"));
    }

    [Test]
    public void A_signal_ends_a_command_that_is_blocked()
    {
        PutSample("a.png");
        using (var mkfifo = Process.Start("mkfifo", [At("pipe")]))
            mkfifo.WaitForExit();
        // Nobody reads the pipe, so opening it never ends. The runs wait out their patience at the same time.
        int[] signals = [.. new[] { Sigterm, Sighup }.Where(signal => !InterruptionTests.IsIgnored(signal))];
        Assume.That(signals, Is.Not.Empty, "the tests run where the shell makes them ignore these signals");
        var runs = signals.Select(_ => FpnProcess.Start(Folder, "detect", "a.png", "--json", "pipe", "--no-pictures")).ToList();
        try
        {
            Thread.Sleep(TimeSpan.FromSeconds(3));
            foreach (var (run, signal) in runs.Zip(signals))
            {
                Assert.That(run.HasExited, Is.False);
                run.Signal(signal);
            }
            foreach (var (run, signal) in runs.Zip(signals))
            {
                var result = run.Finish();
                Assert.That(result.ExitCode, Is.AnyOf(130, 128 + signal), result.Error);
            }
        }
        finally
        {
            runs.ForEach(run => run.Dispose());
        }
    }

    [TestCase(Sighup)]
    [TestCase(Sigterm)]
    public void A_closed_terminal_leaves_a_checkpoint_of_the_last_step(int signal)
    {
        Assume.That(InterruptionTests.IsIgnored(signal), Is.False, "the tests run where the shell makes them ignore this signal");
        Put("run.json", Encoding.UTF8.GetBytes(TinyTraining.Json(steps: 100_000, checkpointEvery: 100_000)));
        using var process = FpnProcess.Start(Folder, "train", "run.json", "--device", "cpu");
        var clock = Stopwatch.StartNew();
        while (LinesIn("run/training.csv") < 3)
        {
            Assert.That(process.HasExited, Is.False, "fpn ended too early");
            Assert.That(clock.Elapsed, Is.LessThan(TimeSpan.FromMinutes(1)), "fpn wrote nothing");
            Thread.Sleep(5);
        }
        process.Signal(signal);

        var result = process.Finish();

        Assert.That(result.ExitCode, Is.EqualTo(130), result.Error);
        Assert.That(FilesIn("run"), Is.EqualTo(["checkpoint.safetensors", "model.safetensors", "training.csv", "training.svg"]));
        Assert.That(result.Output, Does.Contain("resume with"));
    }
}
