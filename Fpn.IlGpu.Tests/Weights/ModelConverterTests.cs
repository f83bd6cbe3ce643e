using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Weights;

/// <summary>From a checkpoint to safetensors: names, configuration, rounding, and no leftovers after a failure.</summary>
public sealed class ModelConverterTests
{
    private string folder = null!;

    private string Output => Path.Combine(folder, "converted.safetensors");

    [SetUp]
    public void MakeFolder() => folder = Directory.CreateTempSubdirectory("fpn-tests-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(folder, recursive: true);

    [Test]
    public void Converted_files_have_the_newest_torchvision_names_and_a_complete_configuration()
    {
        var input = Write(("rpn.head.conv.weight", [1, 2, 3]), ("rpn.head.conv.bias", [4]));
        var report = ModelConverter.Convert(input, Output, DataType.F32, """{"min_size": 123}""");
        using var converted = Safetensors.Open(Output);
        Assert.Multiple(() =>
        {
            Assert.That(converted.Tensors.Keys, Is.EqualTo(new[] { "rpn.head.conv.0.0.weight", "rpn.head.conv.0.0.bias" }));
            Assert.That(converted["rpn.head.conv.0.0.weight"].ToArray(), Is.EqualTo(new float[] { 1, 2, 3 }));
            Assert.That(ModelConfiguration.Of(converted).ToJson(), Is.EqualTo(
                new ModelConfiguration { Detector = DetectorKind.ProposalNetwork, MinSize = 123 }.ToJson()));
            Assert.That((report.Tensors, report.Parameters, report.Bytes), Is.EqualTo((2, 4L, new FileInfo(Output).Length)));
            Assert.That((report.LargestRounding, report.RoundedTensor), Is.EqualTo((0f, (string?)null)));
        });
    }

    [Test]
    public void A_downloaded_backbone_is_converted_and_training_can_start_from_it()
    {
        var configuration = ModelZoo.Find("resnet18")!.Configuration.ToJson();
        ModelConverter.Convert(Write(("conv1.weight", [1, 2]), ("layer1.0.conv1.weight", [3]), ("fc.bias", [4])), Output, DataType.F32, configuration);
        using var converted = Checkpoint.OpenAny(Output);
        Assert.That(converted.Tensors.Keys, Is.EqualTo((string[])["backbone.body.conv1.weight", "backbone.body.layer1.0.conv1.weight", "fc.bias"]));
        Assert.That(Checkpoint.IsBackbone(converted));
        Assert.That(ModelConfiguration.Of(converted).ToJson(), Is.EqualTo(configuration));
        Assert.That(() => Checkpoint.Open(Output), Throws.TypeOf<WeightsException>().With.Message.Contains("holds a backbone"));
    }

    [Test]
    public void Converting_again_changes_nothing()
    {
        var input = Write(("rpn.head.conv.weight", [1, 2, 3]));
        ModelConverter.Convert(input, Output);
        var again = Path.Combine(folder, "again.safetensors");
        ModelConverter.Convert(Output, again);
        Assert.That(File.ReadAllBytes(again), Is.EqualTo(File.ReadAllBytes(Output)));
    }

    // 1/3 in 11 bits is 1365/4096, in 8 bits 171/512.
    [TestCase(DataType.F16, 1f / 3 - 1365f / 4096)]
    [TestCase(DataType.BF16, 171f / 512 - 1f / 3)]
    public void The_largest_rounding_is_reported_with_its_tensor(DataType dataType, float rounding)
    {
        var input = Write(("rpn.head.conv.weight", [1, -0.5f]), ("rpn.head.conv.bias", [1f / 3, 0.25f]));
        var report = ModelConverter.Convert(input, Output, dataType);
        Assert.Multiple(() =>
        {
            Assert.That(report.LargestRounding, Is.EqualTo(rounding).Within(1e-7f));
            Assert.That(report.RoundedTensor, Is.EqualTo("rpn.head.conv.0.0.bias"));
            Assert.That(report.LargestMagnitude, Is.EqualTo(1f / 3));
        });
    }

    [TestCase(1e-7f)]
    [TestCase(6e-8f)]
    [TestCase(65504)]
    [TestCase(-1e-30f)]
    [TestCase(5.6e-45f)]
    [TestCase(1e-39f)]
    public void Numbers_at_the_ends_of_the_range_are_converted(float value)
    {
        foreach (var dataType in new[] { DataType.F32, DataType.F16, DataType.BF16 })
            Assert.That(() => ModelConverter.Convert(Write(("rpn.head.conv.weight", [value])), Output, dataType), Throws.Nothing);
    }

    [Test]
    public void A_number_too_large_for_the_type_is_refused_and_nothing_is_left()
    {
        var input = Write(("rpn.head.conv.weight", [1, 1e6f]));
        Assert.That(
            () => ModelConverter.Convert(input, Output, DataType.F16),
            Throws.TypeOf<WeightsException>().With.Message.Contains("rpn.head.conv.0.0.weight").And.Message.Contains(Output));
        Assert.That(Directory.GetFiles(folder), Is.EqualTo(new[] { input }));
    }

    [Test]
    public void A_failure_keeps_the_existing_file()
    {
        File.WriteAllText(Output, "before");
        var input = Write(("rpn.head.conv.weight", [float.NaN]));
        Assert.That(() => ModelConverter.Convert(input, Output), Throws.TypeOf<WeightsException>());
        Assert.That(File.ReadAllText(Output), Is.EqualTo("before"));
        Assert.That(Directory.GetFiles(folder), Has.Length.EqualTo(2));
    }

    [Test]
    public void Converting_a_file_into_itself_is_refused()
    {
        var input = Write(("rpn.head.conv.weight", [1]));
        Assert.That(() => ModelConverter.Convert(input, input), Throws.TypeOf<WeightsException>().With.Message.Contains(input));
    }

    [Test]
    public void A_missing_folder_is_named()
    {
        var input = Write(("rpn.head.conv.weight", [1]));
        var output = Path.Combine(folder, "no", "such", "folder.safetensors");
        Assert.That(
            () => ModelConverter.Convert(input, output),
            Throws.TypeOf<WeightsException>().With.Message.StartsWith(output + ": can't be written"));
    }

    private string Write(params (string Name, float[] Values)[] tensors)
    {
        var path = Path.Combine(folder, "checkpoint.safetensors");
        Safetensors.Write(path, tensors.Select(t => (t.Name, new[] { t.Values.Length }, t.Values)));
        return path;
    }
}
