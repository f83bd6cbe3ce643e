using System.Diagnostics;
using System.IO.Compression;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Weights;

public class SafetensorsTests
{
    private string folder = "";

    [SetUp]
    public void MakeFolder() => folder = Directory.CreateTempSubdirectory("fpn-weights-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(folder, recursive: true);

    [TestCase("bytes")]
    [TestCase("file")]
    [TestCase("stream")]
    [TestCase("stream that can't seek")]
    public void A_good_file_gives_its_tensors_and_metadata(string from)
    {
        var path = Path.Combine(folder, "good.safetensors");
        File.WriteAllBytes(path, SafetensorsFile.Good());
        using Stream stream = from.EndsWith("seek", StringComparison.Ordinal)
            ? new DeflateStream(Deflated(SafetensorsFile.Good()), CompressionMode.Decompress)
            : File.OpenRead(path);
        using var weights = from switch
        {
            "bytes" => Safetensors.Open(SafetensorsFile.Good(), "good"),
            "file" => Safetensors.Open(path),
            _ => Safetensors.Open(stream, "good"),
        };
        Assert.That(weights.Tensors.Keys, Is.EqualTo(new[] { "a.weight", "a.steps", "empty", "b.weight" }));
        Assert.That(weights.Read("a.weight", 2, 3), Is.EqualTo(new[] { -2.5f, -1.5f, -0.5f, 0.5f, 1.5f, 2.5f }));
        Assert.That(weights.Read("a.steps"), Is.EqualTo(new[] { 1234f }));
        Assert.That(weights.Read("empty", 0, 7), Is.Empty);
        Assert.That(weights.Read("b.weight", 5), Is.EqualTo(new[] { 0f, 0.25f, 0.5f, 0.75f, 1f }));
        Assert.That(weights.Metadata["note"], Is.EqualTo("größer"));
        Assert.That(weights["b.weight"].DataType, Is.EqualTo(DataType.F16));
        Assert.That(ModelConfiguration.Of(weights).MinSize, Is.EqualTo(64));
        var own = new float[5];
        weights.ReadTo("b.weight", own, 5);
        Assert.That(own[4], Is.EqualTo(1f));
    }

    [TestCase(DataType.F32)]
    [TestCase(DataType.F16)]
    [TestCase(DataType.BF16)]
    public void A_written_file_reads_back_the_same(DataType type)
    {
        var path = Path.Combine(folder, "round.safetensors");
        float[] exact = [1, -2, 0.5f, 0, -0f, 96, 1.25f];
        Safetensors.Write(
            path,
            [("ärger/α \"quoted\"", [7], exact), ("scalar", [], [3]), ("none", [3, 0], [])],
            type,
            new Dictionary<string, string> { ["fpn.config"] = "{\"min_size\":1}", ["empty"] = "" });
        using var weights = Safetensors.Open(path);
        Assert.That(weights.Read("ärger/α \"quoted\"", 7), Is.EqualTo(exact));
        Assert.That(weights.Read("scalar"), Is.EqualTo(new[] { 3f }));
        Assert.That(weights.Read("none", 3, 0), Is.Empty);
        Assert.That(weights["scalar"].DataType, Is.EqualTo(type));
        Assert.That(weights.Metadata, Has.Count.EqualTo(2));
        Assert.That(Directory.GetFiles(folder), Has.Length.EqualTo(1), "the temporary file is gone");
        Assert.That((BitConverter.ToUInt64(File.ReadAllBytes(path)) + 8) % 8, Is.Zero, "elements are aligned");
    }

    [Test]
    public void A_file_may_be_written_from_another_and_replace_it()
    {
        var path = Path.Combine(folder, "own.safetensors");
        Safetensors.Write(path, [("w", [2], [1f, 2f])]);
        using var weights = Safetensors.Open(path);
        Safetensors.Write(path, weights.Tensors.Values, DataType.BF16, weights.Metadata);
        using var again = Safetensors.Open(path);
        Assert.That(again["w"].DataType, Is.EqualTo(DataType.BF16));
        Assert.That(again.Read("w", 2), Is.EqualTo(weights.Read("w", 2)));
    }

    [Test]
    public void A_write_that_fails_half_way_keeps_the_old_file_and_leaves_no_other()
    {
        var path = Path.Combine(folder, "kept.safetensors");
        Safetensors.Write(path, [("w", [1], [1f])]);
        var before = File.ReadAllBytes(path);
        var refused = Assert.Throws<WeightsException>(() =>
            Safetensors.Write(path, [("first", [1], [1f]), ("second", [2], [1f, 70000f])], DataType.F16));
        Assert.That(
            refused!.Message,
            Does.Contain("kept.safetensors: the tensor 'second' holds 70000, too large for F16"));
        Assert.That(File.ReadAllBytes(path), Is.EqualTo(before));
        Assert.That(Directory.GetFiles(folder), Has.Length.EqualTo(1));
    }

    [Test]
    public void A_path_that_cannot_be_written_is_named()
    {
        var path = Path.Combine(folder, "no such folder", "w.safetensors");
        Assert.That(
            () => Safetensors.Write(path, [("w", [1], [1f])]),
            Throws.TypeOf<WeightsException>().With.Message.StartsWith($"{path}: can't be written ("));
        Assert.That(() => Safetensors.Write(folder, [("w", [1], [1f])]), Throws.TypeOf<WeightsException>());
        Assert.That(Directory.GetFileSystemEntries(folder), Is.Empty);
        Assert.That(Directory.GetFiles(Path.GetDirectoryName(folder)!, Path.GetFileName(folder) + ".*"), Is.Empty);
    }

    [Test]
    public void Tensors_that_make_no_valid_file_throw_an_ArgumentException()
    {
        var path = Path.Combine(folder, "w.safetensors");
        Assert.That(() => Safetensors.Write(path, [("w", [2], [1f])]), Throws.ArgumentException);
        Assert.That(() => Safetensors.Write(path, [("w", [1], [1f]), ("w", [1], [1f])]), Throws.ArgumentException);
        Assert.That(() => Safetensors.Write(path, [("__metadata__", [1], [1f])]), Throws.ArgumentException);
        Assert.That(
            () => Safetensors.Write(path, [("w", [1], [1f])], DataType.I32),
            Throws.InstanceOf<ArgumentException>());
        Assert.That(Directory.GetFiles(folder), Is.Empty);
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Reading_after_dispose_throws(bool mapped)
    {
        var path = Path.Combine(folder, "w.safetensors");
        File.WriteAllBytes(path, SafetensorsFile.Good());
        var weights = mapped ? Safetensors.Open(path) : Safetensors.Open(SafetensorsFile.Good(), "w");
        weights.Dispose();
        weights.Dispose();
        Assert.That(() => weights.Read("a.weight", 2, 3), Throws.TypeOf<ObjectDisposedException>());
    }

    [Test]
    public void Several_threads_may_read_at_the_same_time()
    {
        var path = Path.Combine(folder, "many.safetensors");
        Safetensors.Write(path, Enumerable.Range(0, 64).Select(i =>
            ($"t{i}", new[] { 1000 }, Enumerable.Repeat((float)i, 1000).ToArray())));
        using var weights = Safetensors.Open(path);
        Parallel.For(0, 64, i => Assert.That(weights.Read($"t{i}", 1000), Is.All.EqualTo((float)i)));
    }

    [Test]
    public void The_shipped_model_is_embedded_in_the_library()
    {
        using var resource = typeof(Safetensors).Assembly.GetManifestResourceStream("shapes-fpn.safetensors");
        Assert.That(resource, Is.Not.Null);
        using var weights = Safetensors.Open(resource!, "the shipped model");
        Assert.That(weights.Tensors, Has.Count.EqualTo(130));
        Assert.That(weights.Tensors.Values, Has.All.Property(nameof(StateTensor.DataType)).EqualTo(DataType.F16));
        var first = weights.Read("backbone.body.conv1.weight", 32, 3, 7, 7);
        Assert.That(
            first.Take(5),
            Is.EqualTo(new[] { 0.054656982421875f, 0.00838470458984375f, 0.02349853515625f, -0.006664276123046875f, 0.041290283203125f }));
        Assert.That(
            weights.Read("backbone.body.layer1.0.bn1.running_mean", 32).Take(4),
            Is.EqualTo(new[] { -0.68310546875f, -0.68701171875f, 1.8486328125f, -0.11767578125f }));
        foreach (var tensor in weights.Tensors.Values)
            weights.Read(tensor.Name, [.. tensor.Shape]);

        var configuration = ModelConfiguration.Of(weights);
        Assert.That(configuration.Detector, Is.EqualTo("faster-rcnn"));
        Assert.That(configuration.AnchorSizes, Is.EqualTo(new float[][] { [16], [32], [64], [128], [256] }));
        Assert.That(configuration.AspectRatios, Is.EqualTo(new[] { 0.5f, 1, 2 }));
        Assert.That((configuration.MinSize, configuration.MaxSize), Is.EqualTo((320, 640)));
        Assert.That(
            configuration.Classes,
            Is.EqualTo(new[] { "background", "circle", "square", "triangle", "star", "ring", "cross", "hexagon" }));
        Assert.That(configuration.Std, Is.EqualTo(new[] { 0.229f, 0.224f, 0.225f }));
        Assert.That(configuration.BoxScoreThreshold, Is.EqualTo(0.05f));
        Assert.That(configuration.UnknownKeys, Is.Empty);
    }

    /// <summary>As many as in a usual R50-FPN. The bound is generous, because build machines are shared.</summary>
    [TestCase(DataType.F32)]
    [TestCase(DataType.F16)]
    [TestCase(DataType.BF16)]
    public void Weights_of_42_million_elements_are_read_within_two_seconds(DataType type)
    {
        var path = Path.Combine(folder, "large.safetensors");
        var block = Enumerable.Range(0, 1 << 20).Select(i => i % 256 * 0.25f).ToArray();
        Safetensors.Write(path, Enumerable.Range(0, 40).Select(i => ($"t{i}", new[] { 1024, 1024 }, block)), type);
        var watch = Stopwatch.StartNew();
        using var weights = Safetensors.Open(path);
        float[]? last = null;
        foreach (var name in weights.Tensors.Keys)
            last = weights.Read(name, 1024, 1024);
        TestContext.Out.WriteLine($"{type}: {watch.Elapsed.TotalMilliseconds:F0} ms");
        Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(2)));
        Assert.That(last!.AsSpan().SequenceEqual(block));
    }

    private static MemoryStream Deflated(byte[] bytes)
    {
        var stream = new MemoryStream();
        using (var deflate = new DeflateStream(stream, CompressionLevel.Fastest, leaveOpen: true))
            deflate.Write(bytes);
        stream.Position = 0;
        return stream;
    }
}
