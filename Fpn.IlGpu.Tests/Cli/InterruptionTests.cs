using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Fpn.IlGpu.Tests.Cli;

/// <summary>Ctrl-C, or a request to terminate, while <c>fpn detect</c> runs.</summary>
[NonParallelizable]
internal sealed class InterruptionTests : CommandProcessTest
{
    private const int Pictures = 500;

    private const int Sigint = 2;
    private const int Sigterm = 15;

    [TestCase(Sigint)]
    [TestCase(Sigterm)]
    [Platform(Exclude = "Win", Reason = "On Windows, Ctrl-C can't be sent to one process alone.")]
    public void A_signal_stops_after_the_current_picture_and_leaves_whole_lines(int signal)
    {
        Assume.That(IsIgnored(signal), Is.False, "the tests run in the background, where the shell makes them ignore this signal");
        for (var number = 0; number < Pictures; number++)
            PutSample(string.Create(CultureInfo.InvariantCulture, $"in/{number:D3}.png"));
        using var process = FpnProcess.Start(Folder, "detect", "in", "--json", "found.jsonl");
        WaitForLines("found.jsonl", 2, process);
        process.Signal(signal);
        var result = process.Finish();

        Assert.That(result.ExitCode, Is.EqualTo(130), result.Error);
        result.AssertOneError("Stopping after the current picture");
        Assert.That(result.Output, Does.Contain("Stopped before "));
        var text = File.ReadAllText(At("found.jsonl"));
        Assert.That(text, Does.EndWith("\n"));
        var lines = text.TrimEnd('\n').Split('\n');
        Assert.That(lines, Has.Length.InRange(2, Pictures - 1));
        foreach (var line in lines)
        {
            using var json = JsonDocument.Parse(line);
            Assert.That(json.RootElement.GetProperty("width").GetInt32(), Is.EqualTo(320));
        }
        Assert.That(FilesIn("detections"), Has.Length.EqualTo(lines.Length), "each picture that is in the JSON was drawn");
    }

    // A named pipe that nobody writes to acts as a picture whose decoding never ends.
    [Test]
    [Platform(Exclude = "Win", Reason = "Windows has no such pipes, and can't send Ctrl-C to one process alone.")]
    public void A_signal_does_not_wait_for_a_picture_that_is_being_decoded()
    {
        Assume.That(IsIgnored(Sigint), Is.False, "the tests run in the background, where the shell makes them ignore this signal");
        PutSample("in/0.png");
        PutSample("in/1.png");
        using (var mkfifo = Process.Start("mkfifo", [At("in/2.png")]))
            mkfifo.WaitForExit();
        using var process = FpnProcess.Start(Folder, "detect", "in", "--json", "found.jsonl");
        WaitForLines("found.jsonl", 2, process);
        var clock = Stopwatch.StartNew();
        process.Signal(Sigint);
        var result = process.Finish();

        TestContext.Out.WriteLine($"ended after {clock.ElapsedMilliseconds} ms");
        Assert.That(result.ExitCode, Is.EqualTo(130), result.Error);
        Assert.That(result.Output, Does.Contain("Stopped before 1 picture."));
        Assert.That(clock.Elapsed, Is.LessThan(TimeSpan.FromSeconds(10)), "it ends immediately; only a busy machine takes seconds");
    }

    private void WaitForLines(string path, int count, FpnProcess process)
    {
        var clock = Stopwatch.StartNew();
        while (LinesIn(path) < count)
        {
            Assert.That(process.HasExited, Is.False, "fpn ended too early");
            Assert.That(clock.Elapsed, Is.LessThan(TimeSpan.FromMinutes(1)), "fpn wrote nothing");
            Thread.Sleep(5);
        }
    }

    // A process inherits the signals that its parent ignores.
    internal static bool IsIgnored(int signal)
    {
        const string Field = "SigIgn:";
        var mask = File.Exists("/proc/self/status")
            ? File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith(Field, StringComparison.Ordinal))
            : null;
        return mask is not null
            && (ulong.Parse(mask[Field.Length..].Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture) >> (signal - 1) & 1) == 1;
    }
}
