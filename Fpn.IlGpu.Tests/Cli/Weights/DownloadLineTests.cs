using Fpn.IlGpu.Cli;

namespace Fpn.IlGpu.Tests.Cli;

internal sealed class DownloadLineTests
{
    [TestCase(0, 167_500_000, 0, 0, "0 %, 0 of 168 MB")]
    [TestCase(83_750_000, 167_500_000, 20_000_000, 2, "50 %, 84 of 168 MB, 10.0 MB/s, 9 s left")]
    [TestCase(10_000_000, 167_500_000, 1_000_000, 1, "5 %, 10 of 168 MB, 1.0 MB/s, 2 min 37 s left")]
    [TestCase(167_500_000, 167_500_000, 67_500_000, 10, "100 %, 168 of 168 MB, 6.8 MB/s")]
    [TestCase(5_000_000, -1, 5_000_000, 2, "5 MB, 2.5 MB/s")]
    [TestCase(0, 0, 0, 5, "0 MB")]
    public void The_line_shows_the_share_the_rate_and_the_time_left(long done, long total, long came, int seconds, string expected)
        => Assert.That(DownloadLine.Text(done, total < 0 ? null : total, came, TimeSpan.FromSeconds(seconds)), Is.EqualTo(expected));
}
