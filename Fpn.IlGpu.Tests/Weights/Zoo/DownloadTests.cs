using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Weights.Zoo;

/// <summary>Downloads that succeed, at the first attempt or after a failure, from a local server.</summary>
internal sealed class DownloadTests : DownloadTest
{
    [Test]
    public async Task A_model_is_downloaded_checked_and_converted()
    {
        using var server = new RawHttpServer(Answers.File(Content));

        var path = await GetAsync(ModelAt(server));

        Assert.That(path, Is.EqualTo(InCache("tiny.safetensors")));
        AssertDone(Content);
        var ask = server.Asks.Single();
        Assert.That(ask.Line, Is.EqualTo("GET /models/tiny-0123.pth HTTP/1.1"));
        Assert.That(ask.From, Is.Null);
        Assert.That(ask["User-Agent"], Does.StartWith("Fpn.IlGpu/"));
        Assert.That(
            Progress.Select(p => p.Stage).Distinct(),
            Is.EqualTo([ModelDownloadStage.Downloading, ModelDownloadStage.Checking, ModelDownloadStage.Converting]));
        Assert.That(Progress[0], Is.EqualTo(new ModelDownloadProgress(ModelDownloadStage.Downloading, 0, Content.Length)));
        Assert.That(Progress.Last(p => p.Stage == ModelDownloadStage.Downloading).BytesDone, Is.EqualTo(Content.Length));
    }

    [Test]
    public async Task A_cached_model_is_downloaded_again_only_on_request()
    {
        using var server = new RawHttpServer(Answers.File(Content));
        await GetAsync(ModelAt(server));

        await GetAsync(ModelAt(server));
        Assert.That(server.Asks, Has.Count.EqualTo(1));

        File.WriteAllText(InCache("tiny.safetensors"), "spoilt");
        await GetAsync(ModelAt(server), again: true);
        Assert.That(server.Asks, Has.Count.EqualTo(2));
        AssertDone(Content);
    }

    [Test]
    public async Task A_file_of_unknown_length_is_downloaded_and_an_md5_is_checked()
    {
        var content = "abc"u8.ToArray(); // Its MD5 is in RFC 1321.
        using var server = new RawHttpServer(Answers.Custom(["HTTP/1.1 200 OK"], content));

        await GetAsync(ModelAt(server) with { Digest = new ModelDigest(DigestAlgorithm.Md5, "900150") });

        AssertDone(content);
        Assert.That(Progress[0].BytesTotal, Is.Null);
    }

    [TestCase("ETag: \"one\"", "\"one\"")]
    [TestCase("Last-Modified: Sat, 02 May 2020 10:20:30 GMT", "Sat, 02 May 2020 10:20:30 GMT")]
    public async Task A_cut_connection_is_resumed_where_it_ended(string validator, string ifRange)
    {
        using var server = new RawHttpServer(Answers.CutAfter(100_000, Content, validator), Answers.File(Content, validator));

        await GetAsync(ModelAt(server));

        AssertDone(Content);
        var second = server.Asks.ElementAt(1);
        Assert.That(second.From, Is.EqualTo(100_000));
        Assert.That(second["If-Range"], Is.EqualTo(ifRange));
        Assert.That(Progress.Select(p => p.Stage), Has.Some.EqualTo(ModelDownloadStage.Retrying));
    }

    [TestCase("")]
    [TestCase("ETag: W/\"one\"")]
    public async Task Without_a_strong_validator_the_download_starts_over(string validator)
    {
        using var server = new RawHttpServer(Answers.CutAfter(100_000, Content, validator), Answers.File(Content, validator));

        await GetAsync(ModelAt(server));

        AssertDone(Content);
        Assert.That(server.Asks.ElementAt(1).From, Is.Null);
    }

    [Test]
    public async Task A_server_that_ignores_ranges_may_send_the_whole_file_again()
    {
        using var server = new RawHttpServer(Answers.CutAfter(100_000, Content), Answers.WholeFile(Content));

        await GetAsync(ModelAt(server));

        AssertDone(Content);
        Assert.That(server.Asks.ElementAt(1).From, Is.EqualTo(100_000));
    }

    [Test]
    public async Task A_file_that_changed_in_between_is_started_over()
    {
        var newer = RandomBytes(200_000, seed: 2);
        using var server = new RawHttpServer(Answers.CutAfter(100_000, Content), Answers.File(newer, "ETag: \"two\""));

        await GetAsync(ModelAt(server, newer));

        AssertDone(newer);
        Assert.That(server.Asks.ElementAt(1)["If-Range"], Is.EqualTo("\"one\""));
    }

    [Test]
    public async Task A_range_that_the_server_refuses_makes_the_download_start_over()
    {
        using var server = new RawHttpServer(Answers.CutAfter(100_000, Content), Answers.Status(416), Answers.File(Content));

        await GetAsync(ModelAt(server));

        AssertDone(Content);
        Assert.That(server.Asks.Select(ask => ask.From), Is.EqualTo(new long?[] { null, 100_000, null }));
    }

    [TestCase("bytes 0-299999/300000")]
    [TestCase("bytes 100000-299999/300001")]
    [TestCase("bytes */300000")]
    public async Task A_wrong_range_makes_the_download_start_over(string range)
    {
        string[] head = ["HTTP/1.1 206 Partial Content", "Content-Length: 200000", $"Content-Range: {range}"];
        using var server = new RawHttpServer(
            Answers.CutAfter(100_000, Content), Answers.Custom(head, RandomBytes(200_000, seed: 3)), Answers.File(Content));

        await GetAsync(ModelAt(server));

        AssertDone(Content);
    }

    [TestCase(500)]
    [TestCase(503)]
    [TestCase(429)]
    public async Task A_server_that_fails_twice_is_asked_a_third_time(int status)
    {
        using var server = new RawHttpServer(Answers.Status(status), Answers.HangUp, Answers.File(Content));

        await GetAsync(ModelAt(server));

        AssertDone(Content);
        Assert.That(server.Asks, Has.Count.EqualTo(3));
    }

    [Test]
    public async Task A_stalled_connection_is_replaced()
    {
        using var server = new RawHttpServer(Answers.StallAfter(100_000, Content), Answers.File(Content));

        await GetAsync(ModelAt(server), Hasty with { Stall = TimeSpan.FromSeconds(1) });

        AssertDone(Content);
        Assert.That(server.Asks.ElementAt(1).From, Is.EqualTo(100_000));
    }

    [Test]
    public async Task A_bad_connection_that_still_makes_progress_is_not_given_up()
    {
        var content = RandomBytes(6_000_000, seed: 4);
        using var server = new RawHttpServer(Answers.CutAfter(1_200_000, content));

        await GetAsync(ModelAt(server, content), Hasty with { Waits = [TimeSpan.Zero] });

        AssertDone(content);
        Assert.That(server.Asks, Has.Count.EqualTo(5), "more connections than tries without progress");
    }

    [Test]
    public async Task A_redirection_is_followed()
    {
        using var server = new RawHttpServer(Answers.Status(302, "Location: /elsewhere"), Answers.File(Content));

        await GetAsync(ModelAt(server));

        AssertDone(Content);
        Assert.That(server.Asks.ElementAt(1).Line, Does.StartWith("GET /elsewhere "));
    }

    [Test]
    public async Task A_complete_part_is_checked_without_another_request()
    {
        using var server = new RawHttpServer(Answers.File(Content));
        using var cancellation = new CancellationTokenSource();
        var stopAtCheck = new Recorder(Progress, p =>
        {
            if (p.Stage == ModelDownloadStage.Checking)
                cancellation.Cancel();
        });
        await Assert.CatchAsync<OperationCanceledException>(
            () => new ModelDownload(Cache, Hasty, Copy).GetAsync(ModelAt(server), false, stopAtCheck, cancellation.Token));
        Assert.That(Files(), Is.EqualTo(["tiny.pth.part", "tiny.pth.part.info"]));

        await GetAsync(ModelAt(server));

        AssertDone(Content);
        Assert.That(server.Asks, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Two_requests_for_the_same_model_share_one_download()
    {
        using var server = new RawHttpServer(Answers.File(Content));
        var model = ModelAt(server);
        using var oneWaits = new SemaphoreSlim(0);
        var progress = new Recorder(Progress, p =>
        {
            if (p.Stage == ModelDownloadStage.WaitingForOther)
                oneWaits.Release();
        });
        var conversions = 0;
        void Convert(ZooModel converted, string published, string output)
        {
            // The first download continues only once the second waits for it.
            Assert.That(oneWaits.Wait(TimeSpan.FromMinutes(1)), Is.True, "the second download didn't wait");
            Interlocked.Increment(ref conversions);
            Copy(converted, published, output);
        }
        var paths = await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => Task.Run(
            () => new ModelDownload(Cache, Hasty, Convert).GetAsync(model, false, progress))));

        Assert.That(paths, Is.All.EqualTo(InCache("tiny.safetensors")));
        Assert.That((server.Asks.Count, conversions), Is.EqualTo((1, 1)));
        AssertDone(Content);
    }
}
