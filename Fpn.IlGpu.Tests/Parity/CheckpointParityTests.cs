using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Parity;

/// <summary>
/// One network in three files: safetensors and PyTorch's two formats. Each file, and each conversion of it without rounding,
/// gives the same detections to the last bit.
/// </summary>
public sealed class CheckpointParityTests(string deviceId) : ModelTests(deviceId)
{
    // Settings that the safetensors file contains, and a checkpoint can't.
    private const string Settings = """{"min_size": 256, "max_size": 448, "box_score_thresh": 0.02}""";

    private static readonly string[] Checkpoints = ["bottleneck-fpn.zip.pth", "bottleneck-fpn.legacy.pth"];

    [Test]
    public void Checkpoints_give_the_same_detections_as_the_safetensors_file([ValueSource(nameof(Checkpoints))] string file)
        => Assert.That(Find(Fixture(file), Settings), Is.EqualTo(Find(Fixture("bottleneck-fpn.safetensors"), null)));

    [Test]
    public void Converted_checkpoints_give_the_same_detections(
        [ValueSource(nameof(Checkpoints))] string file, [Values(DataType.F32, DataType.F16)] DataType dataType)
    {
        var folder = Directory.CreateTempSubdirectory("fpn-tests-");
        try
        {
            // The weights were rounded to F16 when the reference was made, so that type loses nothing either.
            var converted = Path.Combine(folder.FullName, "converted.safetensors");
            var report = ModelConverter.Convert(Fixture(file), converted, dataType, Settings);
            Assert.That(report.RoundedTensor, Is.Null);
            Assert.That(Find(converted, null), Is.EqualTo(Find(Fixture("bottleneck-fpn.safetensors"), null)));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string Fixture(string file)
        => Path.Combine(TestContext.CurrentContext.TestDirectory, "Parity", "fixtures", file);

    private IReadOnlyList<DetectedObject> Find(string weights, string? settings)
    {
        using var detector = Detector.Load(Device, weights, settings);
        var found = detector.Detect(PictureReader.Read(new ReferenceCase("bottleneck").Picture("bottleneck-256x256.png")));
        Assert.That(found, Is.Not.Empty);
        return found;
    }
}
