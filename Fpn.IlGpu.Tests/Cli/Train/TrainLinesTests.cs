using Fpn.IlGpu.Cli;
using Fpn.IlGpu.Training;

namespace Fpn.IlGpu.Tests.Cli;

/// <summary>The lines that show that a run is alive.</summary>
internal sealed class TrainLinesTests
{
    [Test]
    public void Off_a_terminal_a_line_is_written_every_ten_seconds()
    {
        var (clock, lines) = (new Clock(), new List<string>());
        var heartbeat = new Heartbeat(lines.Add, clock);
        for (var second = 1; second <= 35; second++)
        {
            clock.Now = TimeSpan.FromSeconds(second);
            heartbeat.Beat(() => $"{second} s");
        }
        Assert.That(lines, Is.EqualTo(new[] { "10 s", "20 s", "30 s" }));
        heartbeat.Rest();
        clock.Now = TimeSpan.FromSeconds(44);
        heartbeat.Beat(() => "too early after another line");
        Assert.That(lines, Has.Count.EqualTo(3));
    }

    [Test]
    public void The_line_has_step_losses_rate_and_the_time_left()
    {
        var lines = new TrainLines(steps: 100, before: 20);
        lines.Add(Step(21, 3), TimeSpan.FromSeconds(5));
        lines.Add(Step(22, 2), TimeSpan.FromSeconds(7));
        lines.Add(Step(23, 1), TimeSpan.FromSeconds(9));
        Assert.That(
            lines.Heartbeat(Step(23, 1), TimeSpan.FromSeconds(9)),
            Is.EqualTo("step 23 of 100: loss 2.500 (rpn 2.000, boxes 0.500), 2.0 s a step, 2 min 34 s left"));
        Assert.That(lines.Progress(Step(23, 1), TimeSpan.FromSeconds(9)), Is.EqualTo("step 23 of 100, loss 2.500, 2.0 s a step, 2 min 34 s left"));
    }

    [Test]
    public void A_validation_says_whether_it_is_the_best()
    {
        var best = new ValidationResult(500, [new("AP", 0.41), new("AP50", 0.7)], IsBest: true);
        Assert.That(TrainLines.Of(best, best.Figures[0], 500), Is.EqualTo("step 500: AP 0.410, AP50 0.700; the best so far"));
        Assert.That(
            TrainLines.Of(best with { Step = 600, IsBest = false }, best.Figures[0], 500),
            Is.EqualTo("step 600: AP 0.410, AP50 0.700; the best is 0.410 after step 500"));
    }

    [Test]
    public void A_long_line_is_broken_between_words()
    {
        const string line = "step 4000: loss 2.154 (rpn objectness 0.677, rpn boxes 0.016, box classes 1.198, box deltas 0.262)";
        Assert.That(
            Screen.Wrapped(line, 80),
            Is.EqualTo(new[]
            {
                "step 4000: loss 2.154 (rpn objectness 0.677, rpn boxes 0.016, box classes", "  1.198, box deltas 0.262)",
            }));
        Assert.That(Screen.Wrapped(line, 200), Is.EqualTo(new[] { line }));
        Assert.That(Screen.Wrapped(new string('x', 100), 80), Is.EqualTo(new[] { new string('x', 100) }));
    }

    private static TrainingStep Step(int step, float rpn) => new(step, [new("rpn", rpn), new("boxes", 0.5f)], 0.25f, TimeSpan.FromSeconds(2));

    private sealed class Clock : TimeProvider
    {
        public TimeSpan Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }
}
