using System.Security.Cryptography;

using Fpn.IlGpu.Cli;
using Fpn.IlGpu.Tests.Weights.Zoo;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Cli;

/// <summary><c>fpn weights download</c> as a process, from a local mirror and through local proxies.</summary>
internal sealed class WeightsDownloadTests : CommandProcessTest
{
    private const string Name = "fasterrcnn_resnet50_fpn";
    private const string PublishedPath = "/models/fasterrcnn_resnet50_fpn_coco-258fb6c6.pth";
    private const int Sigint = 2;

    // Ten megabytes do not fit into the buffers between a server and a client that has stopped.
    private static readonly byte[] Content = new byte[10_000_000];

    [Test]
    public void A_file_with_the_wrong_digest_is_refused()
    {
        using var mirror = new RawHttpServer(Answers.File(Content));

        var result = Download(At("cache"), ("FPN_ZOO_URL", $"{mirror.Address}/mirror/"));

        result.AssertExit(1);
        result.AssertOneError("258fb6c6");
        Assert.That(result.Error, Does.Contain(Convert.ToHexStringLower(SHA256.HashData(Content))));
        Assert.That(result.Output, Does.Contain($"Downloading {Name} from 127.0.0.1, 10 MB (BSD-3-Clause)."));
        Assert.That(mirror.Asks.Single().Line, Is.EqualTo($"GET /mirror{PublishedPath} HTTP/1.1"));
        Assert.That(FilesIn("cache"), Is.Empty);
    }

    [Test]
    public void A_missing_file_is_reported()
    {
        using var mirror = new RawHttpServer(Answers.Status(404));

        var result = Download(At("cache"), ("FPN_ZOO_URL", mirror.Address));

        result.AssertExit(1);
        result.AssertOneError($"has no file {mirror.Address}{PublishedPath}");
    }

    [Test]
    public void A_cached_model_is_downloaded_again_only_with_force()
    {
        using var mirror = new RawHttpServer(Answers.Status(404));
        Put($"cache/{Name}.safetensors", [1]);

        var result = Download(At("cache"), ("FPN_ZOO_URL", mirror.Address));

        result.AssertExit(0);
        Assert.That(result.Output, Does.Contain("is already downloaded"));
        Assert.That(mirror.Asks, Is.Empty);

        var environment = Environment(At("cache"), ("FPN_ZOO_URL", mirror.Address));
        FpnProcess.Run(Folder, environment, "weights", "download", Name, "--force").AssertExit(1);

        Assert.That(mirror.Asks, Has.Count.EqualTo(1), "--force downloads it all the same");
    }

    [Test]
    [Platform(Exclude = "Win", Reason = "On Windows, Ctrl-C can't be sent to one process alone.")]
    public void Stopping_keeps_the_part_and_the_next_run_resumes()
    {
        Assume.That(
            InterruptionTests.IsIgnored(Sigint), Is.False,
            "the tests run in the background, where the shell makes them ignore this signal");
        using var mirror = new RawHttpServer(Answers.StallAfter(4_000_000, Content), Answers.File(Content));
        var part = new FileInfo(At($"cache/{Name}.pth.part"));

        using (var process = FpnProcess.Start(
            Folder, Environment(At("cache"), ("FPN_ZOO_URL", mirror.Address)), "weights", "download", Name))
        {
            for (; !process.HasExited && part is not { Exists: true, Length: 4_000_000 }; part.Refresh())
                Thread.Sleep(10);
            process.Signal(Sigint);
            var stopped = process.Finish();
            Assert.That(stopped.ExitCode, Is.EqualTo(130), stopped.Error);
            stopped.AssertOneError($"Stopping; run 'fpn weights download {Name}' again to resume.");
        }
        var result = Download(At("cache"), ("FPN_ZOO_URL", mirror.Address));

        Assert.That(mirror.Asks.ElementAt(1).From, Is.EqualTo(4_000_000));
        Assert.That(result.Output, Does.Contain("10 MB, resuming after 4 MB"));
    }

    [Test]
    public void A_proxy_is_used_or_bypassed_as_its_variables_say()
    {
        using var mirror = new RawHttpServer(Answers.Status(404));
        using var proxy = new RawHttpServer(Answers.Status(410));

        Download(At("cache"), ("FPN_ZOO_URL", mirror.Address), ("HTTP_PROXY", proxy.Address)).AssertExit(1);

        Assert.That(proxy.Asks.Single().Line, Is.EqualTo($"GET {mirror.Address}{PublishedPath} HTTP/1.1"));
        Assert.That(mirror.Asks, Is.Empty);

        Download(
            At("cache"), ("FPN_ZOO_URL", mirror.Address), ("HTTP_PROXY", proxy.Address), ("NO_PROXY", "127.0.0.1")).AssertExit(1);

        Assert.That((proxy.Asks.Count, mirror.Asks.Count), Is.EqualTo((1, 1)));
    }

    [TestCase("HTTPS_PROXY")]
    [TestCase("ALL_PROXY")]
    public void A_proxy_that_refuses_the_publishers_server_is_reported(string variable)
    {
        using var proxy = new RawHttpServer(Answers.Status(403));

        var result = Download(At("cache"), (variable, proxy.Address));

        result.AssertExit(1);
        result.AssertOneError("The proxy does not let https://download.pytorch.org");
        Assert.That(proxy.Asks.Single().Line, Does.StartWith("CONNECT download.pytorch.org:443 "));
    }

    [Test]
    public void An_unknown_name_suggests_others()
    {
        var result = Fpn("weights", "download", "fasterrcnn_resnet50");

        result.AssertExit(1);
        result.AssertOneError("'fasterrcnn_resnet50_fpn' or 'fasterrcnn_resnet50_fpn_v2'");
    }

    [Test]
    public void A_cache_that_cannot_be_created_is_reported()
    {
        Put("file", [1]);

        var result = Download(At("file/cache"), ("FPN_ZOO_URL", "http://127.0.0.1:1"));

        result.AssertExit(1);
        result.AssertOneError("FPN_CACHE can name another folder");
    }

    [TestCase("http://example.org", "FPN_ZOO_URL is 'http://example.org'")]
    [TestCase("https://me:secret@example.org", "FPN_ZOO_URL")]
    public void An_invalid_mirror_is_reported_without_its_password(string mirror, string about)
    {
        var result = Download(At("cache"), ("FPN_ZOO_URL", mirror));

        result.AssertExit(1);
        result.AssertOneError(about);
        Assert.That(result.Error, Does.Not.Contain("secret"));
    }

    [TestCase("weights", "fpn weights --help")]
    [TestCase("weights download", "fpn weights download --help")]
    public void A_missing_argument_is_wrong_usage(string arguments, string help)
    {
        var result = Fpn(arguments.Split(' '));

        result.AssertExit(2);
        result.AssertOneError(help);
    }

    [Test]
    public void A_run_converts_and_caches_what_it_downloaded()
    {
        byte[] content = [.. Content.Take(100_000)];
        using var server = new RawHttpServer(Answers.File(content));
        var model = ModelZoo.Find(Name)! with
        {
            Url = new Uri($"{server.Address}/x.pth"),
            Digest = new ModelDigest(DigestAlgorithm.Sha256, Convert.ToHexStringLower(SHA256.HashData(content))),
        };
        var cache = new ModelCache(At("cache"));
        ZooModel? converted = null;
        var download = new ModelDownload(cache, new DownloadPatience(), Copy);
        void Copy(ZooModel which, string published, string output)
        {
            converted = which;
            File.Copy(published, output);
        }
        Assert.That(WeightsDownloadCommand.Download(download, model, force: false, new Screen(), CancellationToken.None), Is.EqualTo(0));

        Assert.That(converted, Is.SameAs(model));
        Assert.That(FilesIn("cache"), Is.EqualTo([$"{Name}.safetensors"]));
        Assert.That(cache.Contains(model), Is.True);
    }

    private FpnResult Download(string cache, params (string Name, string? Value)[] variables)
        => FpnProcess.Run(Folder, Environment(cache, variables), "weights", "download", Name);

    // Without the proxies that the machine's user may have set.
    private static Dictionary<string, string?> Environment(string cache, params (string Name, string? Value)[] variables)
    {
        var environment = new Dictionary<string, string?> { ["FPN_CACHE"] = cache, ["FPN_ZOO_URL"] = null };
        foreach (var name in (string[])["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"])
        {
            environment[name] = null;
            environment[name.ToLowerInvariant()] = null;
        }
        foreach ((var name, var value) in variables)
            environment[name] = value;
        return environment;
    }
}
