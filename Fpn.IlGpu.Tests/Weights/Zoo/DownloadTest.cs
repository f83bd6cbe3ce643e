using System.Net;
using System.Security.Cryptography;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Weights.Zoo;

/// <summary>A test of downloads, with an empty cache, a file to download, and a conversion that copies it.</summary>
internal abstract class DownloadTest
{
    /// <summary>Patient enough for a busy machine, with three attempts and no wait between them.</summary>
    protected static readonly DownloadPatience Hasty = new() { Waits = [TimeSpan.Zero, TimeSpan.Zero] };

    /// <summary>300 000 random bytes.</summary>
    protected static readonly byte[] Content = RandomBytes(300_000, seed: 1);

    private DirectoryInfo folder = null!;

    protected ModelCache Cache => new(Path.Join(folder.FullName, "cache"));

    protected List<ModelDownloadProgress> Progress { get; } = [];

    [SetUp]
    public void MakeFolder()
    {
        folder = Directory.CreateTempSubdirectory("fpn-");
        Progress.Clear();
        // A proxy set on this machine couldn't reach the server on the loopback address.
        HttpClient.DefaultProxy = new WebProxy();
    }

    [TearDown]
    public void RemoveFolder() => folder.Delete(recursive: true);

    protected static byte[] RandomBytes(int count, int seed)
    {
        var bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary>A model whose file is on the server, with the content's digest.</summary>
    protected static ZooModel ModelAt(RawHttpServer server, byte[]? content = null)
        => ModelAt($"{server.Address}/models/tiny-0123.pth", content);

    protected static ZooModel ModelAt(string url, byte[]? content = null) => new()
    {
        Name = "tiny",
        Url = new Uri(url),
        Digest = new ModelDigest(DigestAlgorithm.Sha256, Convert.ToHexStringLower(SHA256.HashData(content ?? Content))[..8]),
        Source = "this test",
        Licence = "none",
        Configuration = new ModelConfiguration(),
    };

    protected Task<string> GetAsync(
        ZooModel model, DownloadPatience? patience = null, bool again = false, CancellationToken cancellation = default)
        => new ModelDownload(Cache, patience ?? Hasty, Copy).GetAsync(model, again, new Recorder(Progress), cancellation);

    protected static void Copy(ZooModel model, string published, string output) => File.Copy(published, output, overwrite: true);

    /// <summary>The names of the files in the cache, sorted.</summary>
    protected string[] Files()
        => [.. Directory.EnumerateFiles(Cache.Folder).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    protected string InCache(string name) => Path.Join(Cache.Folder, name);

    /// <summary>Asserts that the cache holds the model and nothing else.</summary>
    protected void AssertDone(byte[] content)
    {
        Assert.That(Files(), Is.EqualTo(["tiny.safetensors"]));
        Assert.That(File.ReadAllBytes(InCache("tiny.safetensors")).AsSpan().SequenceEqual(content), Is.True, "the file's bytes");
    }

    /// <summary>Calls back immediately and on the same thread, unlike <see cref="Progress{T}"/>.</summary>
    protected sealed class Recorder(List<ModelDownloadProgress> all, Action<ModelDownloadProgress>? then = null)
        : IProgress<ModelDownloadProgress>
    {
        public void Report(ModelDownloadProgress value)
        {
            lock (all)
                all.Add(value);
            then?.Invoke(value);
        }
    }
}
