using Fpn.IlGpu.Imaging;
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
        Assert.That(TrainingLog.Read(path), Is.EqualTo(((int, float)[])[(1, 1.5f), (2, 2.5f), (3, 3.5f), (4, 40.5f)]));
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

    [Test]
    public void The_picture_shows_a_falling_loss_from_top_left_to_bottom_right()
    {
        var image = LossPicture.Draw([.. Enumerable.Range(1, 500).Select(step => (step, 4f * MathF.Exp(-step / 100f)))]);
        // The line is red: its mean height at the left is above that at the right.
        Assert.That(RedHeight(image, 80, 160), Is.LessThan(RedHeight(image, 780, 860) - 200));
    }

    [Test]
    public void An_empty_log_and_infinite_losses_can_be_drawn()
    {
        Assert.That(() => LossPicture.Draw([]), Throws.Nothing);
        Assert.That(() => LossPicture.Draw([(1, float.NaN), (2, float.PositiveInfinity), (3, 1)]), Throws.Nothing);
    }

    private static double RedHeight(RgbImage image, int left, int right) => (
        from x in Enumerable.Range(left, right - left)
        from y in Enumerable.Range(0, image.Height)
        let at = (y * image.Width + x) * 3
        where image.Pixels[at] > 180 && image.Pixels[at + 1] < 100
        select y).Average();

    private static TrainingStep Step(int step, float rpn)
        => new(step, [new("rpn", rpn), new("boxes", 0.5f)], 0.25f, TimeSpan.FromSeconds(2));
}
