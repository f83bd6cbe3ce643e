using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Weights.Zoo;

/// <summary>Downloads that fail: the message, and the files that stay for the next attempt.</summary>
internal sealed class DownloadFailureTests : DownloadTest
{
    [Test]
    public async Task A_file_with_the_wrong_digest_is_deleted()
    {
        var other = RandomBytes(1000, seed: 5);
        using var server = new RawHttpServer(Answers.File(other));

        var actual = Convert.ToHexStringLower(SHA256.HashData(other));
        await AssertFailsAsync(ModelAt(server), "SHA-256", actual, ModelAt(server).Digest.LeadingDigits);

        Assert.That(Files(), Is.Empty);
        Assert.That(server.Asks, Has.Count.EqualTo(1), "a wrong file is not downloaded again");
    }

    [TestCase(404, "has no file")]
    [TestCase(410, "has no file")]
    [TestCase(403, "refuses to send")]
    [TestCase(407, "proxy requires a user name and a password")]
    [TestCase(416, "refuses to send")]
    [TestCase(206, "refuses to send")]
    [TestCase(204, "refuses to send")]
    public async Task A_refusal_by_the_server_is_reported_without_another_attempt(int status, string sentence)
    {
        using var server = new RawHttpServer(Answers.Status(status));

        await AssertFailsAsync(ModelAt(server), sentence, "/models/tiny-0123.pth", $"{status}");

        Assert.That(server.Asks, Has.Count.EqualTo(1));
        Assert.That(Files(), Is.Empty);
    }

    [Test]
    public async Task A_server_that_keeps_failing_is_given_up()
    {
        using var server = new RawHttpServer(Answers.Status(500));

        await AssertFailsAsync(ModelAt(server), "failed 3 times in a row", "HTTP status 500");

        Assert.That(server.Asks, Has.Count.EqualTo(3));
    }

    [Test]
    public async Task A_connection_cut_every_time_is_given_up_and_the_part_is_kept()
    {
        using var server = new RawHttpServer(
            Answers.CutAfter(50_000, Content), Answers.CutAfter(50_000, Content), Answers.CutAfter(50_000, Content), Answers.File(Content));

        await AssertFailsAsync(ModelAt(server), "failed 3 times in a row", "0.2 MB have arrived");
        Assert.That(new FileInfo(InCache("tiny.pth.part")).Length, Is.EqualTo(150_000));

        await GetAsync(ModelAt(server));

        AssertDone(Content);
        Assert.That(server.Asks.Select(ask => ask.From), Is.EqualTo(new long?[] { null, 50_000, 100_000, 150_000 }));
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task A_server_that_falls_silent_is_given_up(bool afterSome)
    {
        using var server = new RawHttpServer(afterSome ? Answers.StallAfter(1000, Content) : Answers.Silence);

        await AssertFailsAsync(ModelAt(server), Hasty with { Stall = TimeSpan.FromSeconds(0.5) }, "3 times in a row", "arrived for 0.5 s");

        Assert.That(server.Asks, Has.Count.EqualTo(3));
    }

    [Test]
    public async Task An_unreachable_server_is_given_up()
    {
        var server = new RawHttpServer(Answers.HangUp);
        var model = ModelAt(server);
        server.Dispose();

        await AssertFailsAsync(model, "failed 3 times in a row", "can't be reached");
    }

    [Test]
    public async Task An_unknown_host_name_is_reported_without_another_attempt()
    {
        // "invalid" never exists (RFC 6761).
        await AssertFailsAsync(ModelAt("https://nowhere.invalid/tiny.pth"), new DownloadPatience(), "can't be found", "nowhere.invalid");
    }

    [Test]
    public async Task A_server_without_TLS_is_reported_without_another_attempt()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serving = SpeakPlainlyAsync(listener);

        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        await AssertFailsAsync(ModelAt($"https://127.0.0.1:{port}/tiny.pth"), new DownloadPatience(), "A secure connection");
        await serving;
    }

    [TestCase("http://models.example/tiny.pth")]
    [TestCase("ftp://127.0.0.1/tiny.pth")]
    public async Task Only_https_is_used(string url) => await AssertFailsAsync(ModelAt(url), "is not an https address", url);

    [Test]
    public async Task A_redirection_away_from_https_is_refused()
    {
        var addresses = await OwnAddressesAsync();
        Assume.That(addresses, Is.Not.Empty, "the machine has only the loopback address");
        using var elsewhere = new RawHttpServer(addresses[0], Answers.File(Content));
        using var server = new RawHttpServer(Answers.Status(302, $"Location: http://{addresses[0]}:{elsewhere.Port}/tiny.pth"));

        await AssertFailsAsync(ModelAt(server), "not https");

        Assert.That(Files(), Is.Empty);
    }

    [Test]
    public async Task Cancelling_keeps_the_part_for_the_next_attempt()
    {
        using var server = new RawHttpServer(Answers.StallAfter(100_000, Content), Answers.File(Content));
        using var cancellation = new CancellationTokenSource();

        var running = GetAsync(ModelAt(server), cancellation: cancellation.Token);
        while (!running.IsCompleted && new FileInfo(InCache("tiny.pth.part")) is not { Exists: true, Length: 100_000 })
            await Task.Delay(5);
        await cancellation.CancelAsync();
        await Assert.CatchAsync<OperationCanceledException>(() => running);
        Assert.That(Files(), Is.EqualTo(["tiny.pth.part", "tiny.pth.part.info"]));

        await GetAsync(ModelAt(server));

        AssertDone(Content);
        Assert.That(server.Asks.ElementAt(1).From, Is.EqualTo(100_000));
    }

    [Test]
    public async Task A_part_from_another_address_is_not_continued()
    {
        using var first = new RawHttpServer(Answers.CutAfter(100_000, Content));
        await AssertFailsAsync(ModelAt(first), new DownloadPatience { Waits = [] }, "failed 1 times");
        using var second = new RawHttpServer(Answers.File(Content));

        await GetAsync(ModelAt(second));

        AssertDone(Content);
        Assert.That(second.Asks.Single().From, Is.Null);
    }

    [Test]
    public async Task A_failed_conversion_keeps_the_published_file_and_leaves_no_partial_model()
    {
        using var server = new RawHttpServer(Answers.File(Content));
        // The real conversion fails, because the bytes are not a checkpoint.
        var download = new ModelDownload(Cache);

        var e = await Assert.ThrowsAsync<WeightsException>(() => download.GetAsync(ModelAt(server)));
        Assert.That(e!.Message, Does.Contain("tiny.pth"));
        Assert.That(Files(), Is.EqualTo(["tiny.pth"]));

        await GetAsync(ModelAt(server));

        AssertDone(Content);
        Assert.That(server.Asks, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_file_larger_than_the_disk_is_refused_before_it_is_downloaded()
    {
        using var server = new RawHttpServer(Answers.Custom(["HTTP/1.1 200 OK", "Content-Length: 8000000000000000000"], Content));
        var model = ModelAt(server) with { ApproximateBytes = 8_000_000_000_000_000_000 };

        await AssertFailsAsync(model, "free", "needs 8000000000000 MB", "FPN_CACHE");

        Assert.That(Files(), Is.Empty);
    }

    [Test]
    [Platform("Linux", Reason = "Only Linux has /dev/full.")]
    public async Task A_disk_that_becomes_full_is_reported()
    {
        var full = new FileStream("/dev/full", FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        await using (full)
        {
            var e = await Assert.ThrowsAsync<WeightsException>(
                () => FileDownload.WriteAsync(full, Content, Content.Length, CancellationToken.None));
            Assert.That(e!.Message, Does.Contain("full").And.Contain("needs 0.3 MB more").And.Contain("FPN_CACHE"));
        }
    }

    [Test]
    [Platform("Linux", Reason = "Only Linux has /dev/full.")]
    public async Task A_disk_that_becomes_full_while_converting_is_reported()
    {
        using var server = new RawHttpServer(Answers.File(Content));
        var download = new ModelDownload(Cache, Hasty, (_, _, _) => File.WriteAllText("/dev/full", "anything"));

        var e = await Assert.ThrowsAsync<WeightsException>(() => download.GetAsync(ModelAt(server)));

        Assert.That(e!.Message, Does.Contain("became full").And.Contain(Cache.Folder));
    }

    [Test]
    public async Task A_folder_that_cannot_be_created_is_reported()
    {
        using var server = new RawHttpServer(Answers.File(Content));
        File.WriteAllText(Cache.Folder, "a file where the folder should be");

        await AssertFailsAsync(ModelAt(server), "can't be used", Cache.Folder, "FPN_CACHE");

        Assert.That(server.Asks, Is.Empty);
    }

    [Test]
    [Platform("Linux", Reason = "Only Linux has a folder that not even an administrator can write.")]
    public async Task A_folder_that_cannot_be_written_is_reported()
    {
        using var server = new RawHttpServer(Answers.File(Content));
        var download = new ModelDownload(new ModelCache("/proc/self"), Hasty, Copy);

        var e = await Assert.ThrowsAsync<WeightsException>(() => download.GetAsync(ModelAt(server)));

        Assert.That(e!.Message, Does.Contain("can't be used").And.Contain("/proc/self").And.Contain("FPN_CACHE"));
        Assert.That(server.Asks, Is.Empty);
    }

    private Task AssertFailsAsync(ZooModel model, params string[] parts) => AssertFailsAsync(model, Hasty, parts);

    private async Task AssertFailsAsync(ZooModel model, DownloadPatience patience, params string[] parts)
    {
        var e = await Assert.ThrowsAsync<WeightsException>(() => GetAsync(model, patience));
        TestContext.Out.WriteLine(e!.Message);
        foreach (var part in parts)
            Assert.That(e.Message, Does.Contain(part));
        Assert.That(e.Message, Does.EndWith(".").Or.EndWith("?"));
    }

    // Answers the first connection without TLS.
    private static async Task SpeakPlainlyAsync(TcpListener listener)
    {
        using var client = await listener.AcceptTcpClientAsync();
        await client.GetStream().WriteAsync("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray());
    }

    private static async Task<IPAddress[]> OwnAddressesAsync()
    {
        try
        {
            var all = await Dns.GetHostAddressesAsync(Dns.GetHostName(), AddressFamily.InterNetwork);
            return [.. all.Where(address => !IPAddress.IsLoopback(address))];
        }
        catch (SocketException)
        {
            return [];
        }
    }
}
