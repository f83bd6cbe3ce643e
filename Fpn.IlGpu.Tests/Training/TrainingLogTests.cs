using Fpn.IlGpu.Training;

namespace Fpn.IlGpu.Tests.Training;

internal sealed class TrainingLogTests
{
    private string path = "";

    [SetUp]
    public void Name() => path = Path.GetTempFileName();

    [TearDown]
    public void Remove() => File.Delete(path);

    [Test]
    public void Each_step_has_one_line_even_in_a_resumed_run()
    {
        using (var log = TrainingLog.Open(path, 0))
        {
            for (var step = 1; step <= 5; step++)
                log.Add(Step(step, step));
        }
        using (var log = TrainingLog.Open(path, 3))
            log.Add(Step(4, 40));
        Assert.That(
            File.ReadAllLines(path),
            Is.EqualTo((string[])
            [
                "step,loss,rpn,boxes,learning_rate,seconds", "1,1.5,1,0.5,0.25,2.000", "2,2.5,2,0.5,0.25,2.000", "3,3.5,3,0.5,0.25,2.000",
                "4,40.5,40,0.5,0.25,2.000",
            ]));
        Assert.That(
            TrainingTable.Read(path).ValuesOf("loss"), Is.EqualTo(((int, double)[])[(1, 1.5), (2, 2.5), (3, 3.5), (4, 40.5)]));
    }

    [Test]
    public void Figures_of_validations_have_columns_that_other_steps_leave_empty()
    {
        using (var log = TrainingLog.Open(path, 0, "AP", "AP50"))
        {
            log.Add(Step(1, 1));
            log.Add(Step(2, 2) with { Validation = Validation(2, 0.25) });
        }
        Assert.That(
            File.ReadAllLines(path),
            Is.EqualTo((string[])
            [
                "step,loss,rpn,boxes,learning_rate,AP,AP50,seconds", "1,1.5,1,0.5,0.25,,,2.000", "2,2.5,2,0.5,0.25,0.25,0.5,2.000",
            ]));
        Assert.That(TrainingTable.Read(path).ValuesOf("AP50"), Is.EqualTo(((int, double)[])[(2, 0.5)]));
        Assert.That(TrainingTable.Read(path).Figures, Is.EqualTo((string[])["AP", "AP50"]));
    }

    [Test]
    public void A_run_that_is_resumed_with_validation_keeps_its_steps_and_adds_columns()
    {
        using (var log = TrainingLog.Open(path, 0))
            log.Add(Step(1, 1));
        using (var log = TrainingLog.Open(path, 1, "AP", "AP50"))
            log.Add(Step(2, 2) with { Validation = Validation(2, 0.25) });
        using (var log = TrainingLog.Open(path, 2))
            log.Add(Step(3, 3));
        Assert.That(
            File.ReadAllLines(path)[1..],
            Is.EqualTo((string[])["1,1.5,1,0.5,0.25,,,2.000", "2,2.5,2,0.5,0.25,0.25,0.5,2.000", "3,3.5,3,0.5,0.25,,,2.000"]));
    }

    [Test]
    public void A_validation_that_came_late_is_added_to_its_step()
    {
        using (var log = TrainingLog.Open(path, 0, "AP", "AP50"))
        {
            log.Add(Step(1, 1));
            Assert.That(log.Add(Validation(7, 0.5)), Is.Null, "there is no such step");
            var late = log.Add(Validation(1, 0.25))!;
            Assert.That((late.Loss, late.LearningRate, late.Time, late.Validation!.Step), Is.EqualTo((1.5f, 0.25f, TimeSpan.FromSeconds(2), 1)));
            log.Add(Step(2, 2));
        }
        Assert.That(File.ReadAllLines(path)[1..], Is.EqualTo((string[])["1,1.5,1,0.5,0.25,0.25,0.5,2.000", "2,2.5,2,0.5,0.25,,,2.000"]));
    }

    [Test]
    public void A_new_run_starts_an_empty_log()
    {
        File.WriteAllText(path, "step,loss\n1,2\n");
        TrainingLog.Open(path, 0).Dispose();
        Assert.That(File.ReadAllText(path), Is.Empty);
    }

    [Test]
    public void A_log_that_cannot_be_written_is_named() => Assert.That(
        () => TrainingLog.Open(Path.Combine(path, "log.csv"), 0), Throws.TypeOf<TrainingException>().With.Message.Contains("log.csv"));

    private static ValidationResult Validation(int step, double ap) => new(step, [new("AP", ap), new("AP50", 2 * ap)], IsBest: true);

    private static TrainingStep Step(int step, float rpn)
        => new(step, [new("rpn", rpn), new("boxes", 0.5f)], 0.25f, TimeSpan.FromSeconds(2));
}
