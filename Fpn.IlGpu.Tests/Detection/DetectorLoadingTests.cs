using System.Text;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Tests.Parity;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Detection;

/// <summary>A detector loads from wherever its bytes are, and weights are saved again.</summary>
internal sealed class DetectorLoadingTests
{
    private string folder = "";

    private static Device Device => TestDevices.Open("cpu");

    private static string SmallModel
        => Path.Combine(Path.GetDirectoryName(typeof(DetectorLoadingTests).Assembly.Location)!, "Parity", "fixtures", "bottleneck-fpn.safetensors");

    private static RgbImage Sample => PictureReader.Read(new ReferenceCase("shapes").Picture("shapes-320x320.png"));

    [SetUp]
    public void MakeFolder() => folder = Directory.CreateTempSubdirectory("fpn-load-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(folder, recursive: true);

    [Test]
    public async Task A_file_a_stream_bytes_a_state_dict_and_a_downloaded_model_give_the_same_detections()
    {
        var path = Path.Join(folder, "model.safetensors");
        File.Copy(SmallModel, path);
        var picture = new RgbImage(64, 64);
        new Random(1).NextBytes(picture.Pixels);
        var bytes = await File.ReadAllBytesAsync(path);
        using var fromFile = Detector.Load(Device, path);
        var expected = fromFile.Detect(picture);
        using var fromStream = Detector.Load(Device, new MemoryStream(bytes));
        using var fromPipe = Detector.Load(Device, new ForwardOnlyStream(bytes));
        using var fromBytes = Detector.Load(Device, bytes);
        using var state = WeightsFile.Open(path);
        using var fromState = Detector.Load(Device, state);
        using var again = Detector.Load(Device, state);
        var cache = new ModelCache(folder);
        File.Copy(path, cache.PathOf(ModelZoo.Find("fasterrcnn_resnet50_fpn")!));
        using var fromZoo = await Detector.LoadAsync(Device, "FasterRCNN_ResNet50_FPN", cache: cache);
        Assert.That(expected, Is.Not.Empty);
        foreach (var detector in new[] { fromStream, fromPipe, fromBytes, fromState, again, fromZoo })
            Assert.That(detector.Detect(picture), Is.EqualTo(expected));
    }

    [Test]
    public void An_unknown_name_is_answered_by_similar_ones()
    {
        var cache = new ModelCache(folder);
        Assert.That(
            () => Detector.LoadAsync(Device, "fasterrcnn_resnet50_fpn_v3", cache: cache),
            Throws.TypeOf<WeightsException>().With.Message.Contains("did you mean 'fasterrcnn_resnet50_fpn_v2'"));
        Assert.That(
            () => Detector.LoadAsync(Device, "nothing-like-it.bin", cache: cache), Throws.TypeOf<WeightsException>().With.Message.Contains("ModelZoo.All"));
        Assert.That(Directory.EnumerateFileSystemEntries(folder), Is.Empty);
    }

    [Test]
    public void A_download_can_be_cancelled()
        => Assert.That(
            () => Detector.LoadAsync(
                Device, "fasterrcnn_resnet50_fpn", cache: new ModelCache(folder), cancellation: new CancellationToken(canceled: true)),
            Throws.InstanceOf<OperationCanceledException>());

    [Test]
    public void Options_change_the_configuration_and_are_checked()
    {
        using var detector = Detector.Load(Device, options: new ModelOptions { Configure = c => c with { MinSize = 160, BoxDetectionsPerImage = 2 } });
        Assert.That(detector.Configuration.MinSize, Is.EqualTo(160));
        Assert.That(detector.Detect(Sample), Has.Count.LessThanOrEqualTo(2));
        Assert.That(
            () => Detector.Load(Device, options: new ModelOptions { Configure = c => c with { MinSize = -1 } }),
            Throws.TypeOf<WeightsException>().With.Message.Contains("min_size is '-1'"));
        using var proposals = Detector.Load(Device, options: new ModelOptions { Detector = DetectorKind.ProposalNetwork });
        Assert.That(proposals, Is.TypeOf<ProposalNetwork>());
        Assert.That(ModelOptions.Parse("""{ "prefix": "student.", "min_size": 160 }""").Prefix, Is.EqualTo("student."));
        Assert.That(() => ModelOptions.Parse("""{ "min_siz": 160 }"""), Throws.TypeOf<WeightsException>().With.Message.Contains("min_siz"));
    }

    [Test]
    public void Tensors_with_a_prefix_load_by_the_prefix()
    {
        using var shipped = ShippedModel.Open();
        using var state = new StateDictionary(
            "mine", shipped.Tensors.Values.SelectMany<StateTensor, StateTensor>(tensor =>
                [new RenamedTensor("student." + tensor.Name, tensor), new RenamedTensor("teacher." + tensor.Name, tensor)]), shipped.Metadata);
        using var detector = Detector.Load(Device, state, new ModelOptions { Prefix = "student" });
        using var expected = Detector.Load(Device);
        Assert.That(detector.Detect(Sample), Is.EqualTo(expected.Detect(Sample)));
    }

    [Test]
    public void Weights_are_saved_to_files_and_streams()
    {
        using var weights = Checkpoint.Open(SmallModel);
        var path = Path.Join(folder, "model.safetensors");
        var pyTorch = Path.Join(folder, "model.pth");
        using var stream = new MemoryStream();
        Checkpoint.Save(weights, path, DataType.F16);
        Checkpoint.Save(weights, pyTorch);
        Checkpoint.Save(weights, stream, DataType.F16);
        Assert.That(stream.ToArray(), Is.EqualTo(File.ReadAllBytes(path)));
        using var read = Checkpoint.Open(pyTorch);
        Assert.That(read.Tensors.Keys, Is.EquivalentTo(weights.Tensors.Keys));
        foreach (var tensor in weights.Tensors.Values)
            Assert.That(read[tensor.Name].ToArray(), Is.EqualTo(tensor.ToArray()), tensor.Name);
        Assert.That(read.Metadata[ModelConfiguration.MetadataKey], Is.EqualTo(weights.Metadata[ModelConfiguration.MetadataKey]));
        Assert.That(() => Checkpoint.Save(weights, Path.Join(folder, "model.bin")), Throws.TypeOf<WeightsException>());
        Assert.That(() => Checkpoint.Save(weights, path, DataType.I64), Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void A_damaged_stream_and_an_index_are_refused_by_name()
    {
        using var saved = new MemoryStream();
        using (var weights = Checkpoint.Open(SmallModel))
            Checkpoint.Save(weights, saved);
        var damaged = saved.ToArray();
        damaged[^1] ^= 1;
        Assert.That(() => Checkpoint.Open(damaged, "upload.safetensors"), Throws.TypeOf<WeightsException>().With.Message.StartsWith("upload.safetensors: "));
        Assert.That(
            () => Checkpoint.Open(Encoding.UTF8.GetBytes("""{ "weight_map": { "a": "../secret.safetensors" } }""")),
            Throws.TypeOf<WeightsException>().With.Message.EqualTo(
                "The bytes: is an index of several files, which can't be opened without them; give the folder that holds them."));
        Assert.That(() => Checkpoint.Open(Array.Empty<byte>()), Throws.TypeOf<WeightsException>().With.Message.Contains("empty"));
        Assert.That(() => Checkpoint.Open(new MemoryStream()), Throws.TypeOf<WeightsException>().With.Message.Contains("empty"));
    }
}
