using System.Text;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Tests.Cli;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Weights.Zoo;

/// <summary>Servers, proxies and files in the cache that mean harm, or tell secrets.</summary>
internal sealed class DownloadAttackTests : DownloadTest
{
    private const string Name = "fasterrcnn_resnet50_fpn";

    [Test]
    public async Task An_endless_body_is_refused_once_it_is_larger_than_the_model()
    {
        using var server = new RawHttpServer(Endless(bytesAtOnce: 100_000, TimeSpan.Zero));

        var message = await FailureAsync(ModelAt(server) with { ApproximateBytes = 300_000 }, Hasty);

        Assert.That(message, Does.Contain("it is not the published file, and what had arrived was deleted"));
        Assert.That(Files(), Is.Empty);
        Assert.That(server.Asks, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_stated_size_larger_than_the_model_is_refused_before_anything_is_written()
    {
        using var server = new RawHttpServer(Answers.Custom(["HTTP/1.1 200 OK", "Content-Length: 3000000000"], Content));

        Assert.That(await FailureAsync(ModelAt(server), Hasty), Does.Contain("sends 3000 MB or more"));

        Assert.That(Files(), Is.Empty);
    }

    [Test]
    public async Task A_server_that_sends_a_byte_now_and_then_is_given_up()
    {
        using var server = new RawHttpServer(Endless(bytesAtOnce: 1, TimeSpan.FromMilliseconds(20)));

        var message = await FailureAsync(ModelAt(server), Hasty with { Stall = TimeSpan.FromSeconds(0.5) });

        Assert.That(message, Does.Contain("next to nothing, arrived for 0.5 s"));
    }

    [TestCase("file:///etc/passwd")]
    [TestCase("ftp://127.0.0.1/tiny.pth")]
    [TestCase("gopher:x")]
    public async Task A_redirection_to_another_scheme_is_refused(string location)
    {
        using var server = new RawHttpServer(Answers.Status(302, $"Location: {location}"));

        Assert.That(await FailureAsync(ModelAt(server), Hasty), Does.Contain(server.Address).And.Not.Contain("unexpected"));

        Assert.That(Files(), Is.Empty);
    }

    [TestCase("tiny.pth.part")]
    [TestCase("tiny.pth.part.info")]
    [Platform(Exclude = "Win", Reason = "Creating links needs a privilege.")]
    public async Task A_link_in_the_place_of_a_part_is_not_followed(string planted)
    {
        using var server = new RawHttpServer(Answers.File(Content));
        Directory.CreateDirectory(Cache.Folder);
        var precious = $"{Cache.Folder}-precious";
        await File.WriteAllTextAsync(precious, "kept");
        File.CreateSymbolicLink(InCache(planted), precious);

        await GetAsync(ModelAt(server));

        AssertDone(Content);
        Assert.That(await File.ReadAllTextAsync(precious), Is.EqualTo("kept"));
    }

    [TestCase(407)]
    [TestCase(403)]
    public void A_proxys_password_is_not_printed(int status)
    {
        using var proxy = new RawHttpServer(Answers.Status(status));

        var result = Download(
            ["--verbose"], ("HTTPS_PROXY", $"http://someone:secret@127.0.0.1:{proxy.Port}"), ("NO_PROXY", null), ("no_proxy", null));

        Assert.That(result.ExitCode, Is.EqualTo(1));
        Assert.That(proxy.Asks, Is.Not.Empty);
        Assert.That(result.Output + result.Error, Does.Not.Contain("secret"));
    }

    [TestCase("Connection to http://a:b@host:1/ failed", "Connection to http://host:1/ failed")]
    [TestCase("'http://a:b@c@host/' and //x@y", "'http://host/' and //y")]
    [TestCase("mail me@host, see https://host/a@b", "mail me@host, see https://host/a@b")]
    public void Addresses_are_shown_without_passwords(string text, string shown)
        => Assert.That(DownloadErrors.WithoutPasswords(text), Is.EqualTo(shown));

    [TestCase("*")]
    [TestCase("example.org, *")]
    public void No_proxy_with_a_star_means_no_proxy(string list)
    {
        using var proxy = new RawHttpServer(Answers.Status(403));
        using var server = new RawHttpServer(Answers.Status(404));

        var result = Download(
            ("ALL_PROXY", proxy.Address), ("http_proxy", proxy.Address), ("NO_PROXY", list), ("no_proxy", null),
            (ZooModel.MirrorVariable, server.Address));

        Assert.That(result.Error, Does.Contain("has no file"));
        Assert.That(proxy.Asks, Is.Empty);
        Assert.That(server.Asks, Has.Count.EqualTo(1));
    }

    [Test]
    public void A_whole_digest_is_known_of_some_models_and_begins_with_the_publishers_digits()
    {
        var torchvision = ModelZoo.All.Where(model => model.Digest.Algorithm == DigestAlgorithm.Sha256).ToArray();
        foreach (var model in torchvision)
        {
            var digits = Path.GetFileNameWithoutExtension(model.Url.AbsolutePath)[^8..];
            Assert.That(model.Digest.LeadingDigits, Does.StartWith(digits).And.Length.AnyOf(8, 64), model.Name);
        }
        Assert.That(torchvision.Count(model => model.Digest.LeadingDigits.Length == 64), Is.GreaterThanOrEqualTo(5));
    }

    private FpnResult Download(params (string Name, string? Value)[] environment) => Download([], environment);

    private FpnResult Download(string[] options, params (string Name, string? Value)[] environment)
    {
        Directory.CreateDirectory(Cache.Folder);
        return FpnProcess.Run(
            Cache.Folder, [.. environment.Select(v => KeyValuePair.Create(v.Name, v.Value)), KeyValuePair.Create("FPN_CACHE", (string?)Cache.Folder)],
            ["weights", "download", Name, .. options]);
    }

    private async Task<string> FailureAsync(ZooModel model, DownloadPatience patience)
        => (await Assert.ThrowsAsync<WeightsException>(() => GetAsync(model, patience)))!.Message;

    // Bytes without end, and no word about their number.
    private static Answer Endless(int bytesAtOnce, TimeSpan pause) => async (_, stream, closing)
    =>
    {
        await stream.WriteAsync(Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"), closing);
        for (var bytes = new byte[bytesAtOnce]; ; await Task.Delay(pause, closing))
        {
            await stream.WriteAsync(bytes, closing);
            await stream.FlushAsync(closing);
        }
    };
}
