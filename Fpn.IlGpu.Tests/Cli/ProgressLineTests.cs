using Fpn.IlGpu.Cli;

namespace Fpn.IlGpu.Tests.Cli;

internal sealed class ProgressLineTests
{
    [TestCase(0, 10, 0, "0 of 10 pictures")]
    [TestCase(1, 10, 0, "1 of 10 pictures")]
    [TestCase(3, 10, 4, "3 of 10 pictures, 2.0 s each, 14 s left")]
    [TestCase(11, 1000, 2, "11 of 1000 pictures, 5.0 a second, 3 min 17 s left")]
    [TestCase(2, 1802, 4, "2 of 1802 pictures, 4.0 s each, 2 h 0 min left")]
    [TestCase(10, 10, 9, "10 of 10 pictures")]
    public void The_rate_counts_from_the_first_picture(int done, int total, int seconds, string expected)
        => Assert.That(ProgressLine.Text(done, total, TimeSpan.FromSeconds(seconds)), Is.EqualTo(expected));
}
