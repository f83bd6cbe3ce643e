using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Export;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Export;

/// <summary>
/// Detectors exported to ONNX: valid graphs, weights bit for bit, and refusals. That ONNX Runtime finds the same objects with them is
/// checked by the project Fpn.IlGpu.Bench.OnnxRuntime, whose package is too large for every build.
/// </summary>
public sealed class OnnxExportTests
{
    private static readonly string Fixtures = Path.Combine(TestContext.CurrentContext.TestDirectory, "Parity", "fixtures");

    private string folder = null!;

    private string Output => Path.Combine(folder, "model.onnx");

    [SetUp]
    public void MakeFolder() => folder = Directory.CreateTempSubdirectory("fpn-tests-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(folder, recursive: true);

    [TestCase("bottleneck-fpn.safetensors", false)]
    [TestCase("zoo/fasterrcnn-v2/model.safetensors", false)]
    [TestCase("zoo/resnext50-32x4d/model.safetensors", false)]
    [TestCase("zoo/maskrcnn/model.safetensors", true)]
    [TestCase("zoo/retinanet/model.safetensors", false)]
    [TestCase("zoo/retinanet-v2/model.safetensors", false)]
    [TestCase("detectron2/d2-mask-rcnn-r50/model.pkl", true)]
    public void A_graph_is_valid_and_has_the_models_weights(string model, bool hasMasks)
    {
        OnnxExport.Convert(Path.Combine(Fixtures, model), Output);
        var graph = ReadGraph.Open(Output);
        using var weights = Checkpoint.Open(Path.Combine(Fixtures, model));
        using var written = WeightsFile.Open(Output);
        using var detector = Detector.Load(TestDevices.Open("cpu"), weights);
        Assert.Multiple(() =>
        {
            Assert.That(graph.Opset, Is.EqualTo(16));
            Assert.That(graph.Faults(), Is.Empty);
            Assert.That(graph.Initialisers, Is.EquivalentTo(detector.Network.Layers.Tensors.Select(spec => spec.Name)));
            Assert.That(graph.Initialisers, Is.SubsetOf(graph.Read()));
            Assert.That(graph.Inputs, Is.EqualTo((ReadPort[])[new("image", 2, "height, width, 3")]));
            ReadPort[] objects = [new("boxes", 1, "objects, 4"), new("labels", 7, "objects"), new("scores", 1, "objects")];
            Assert.That(graph.Outputs, Is.EqualTo(hasMasks ? [.. objects, new("masks", 1, "objects, 28, 28")] : objects));
            Assert.That(written.Tensors.Keys, Is.EqualTo(graph.Initialisers));
        });
        foreach (var tensor in written.Tensors.Values)
        {
            Assert.That(tensor.Shape, Is.EqualTo(weights[tensor.Name].Shape), tensor.Name);
            Assert.That(
                tensor.ToArray().Select(BitConverter.SingleToInt32Bits),
                Is.EqualTo(weights[tensor.Name].ToArray().Select(BitConverter.SingleToInt32Bits)), tensor.Name);
        }
    }

    [Test]
    public void An_exported_model_loads_again_and_finds_the_same_objects()
    {
        var model = Path.Combine(Fixtures, "zoo", "maskrcnn", "model.safetensors");
        OnnxExport.Convert(model, Output, DataType.F32, """{"box_score_thresh": 0.3}""");
        var device = TestDevices.Open("cpu");
        using var original = Detector.Load(device, model, """{"box_score_thresh": 0.3}""");
        using var exported = Detector.Load(device, Output);
        Assert.That(exported.Classes, Is.EqualTo(original.Classes));
        Assert.That(
            exported.Configuration.ToJson(), Is.EqualTo((original.Configuration with { Classes = [.. original.Classes] }).ToJson()));
        var picture = PictureReader.Read(Path.Combine(Fixtures, "zoo", "zoo-90x120.png"));
        var expected = original.Detect(picture);
        Assert.That(expected, Is.Not.Empty);
        Assert.That(exported.Detect(picture), Is.EqualTo(expected));
    }

    [Test]
    public void The_graph_has_the_models_conventions()
    {
        OnnxExport.Convert(
            Path.Combine(Fixtures, "detectron2", "d2-mask-rcnn-r50", "model.pkl"), Output, DataType.F32, """{"roi_sampling_ratio": 3}""");
        var graph = ReadGraph.Open(Output);
        var pools = graph.Nodes.Where(node => node.Operator == "RoiAlign").Select(node => node.Attributes).ToList();
        Assert.Multiple(() =>
        {
            // Four levels for boxes, four for masks.
            Assert.That(pools, Has.Count.EqualTo(8));
            Assert.That(pools.Select(pool => pool["spatial_scale"]).Distinct(), Is.EqualTo(new object[] { 1f / 4, 1f / 8, 1f / 16, 1f / 32 }));
            Assert.That(pools.Select(pool => pool["output_height"]).Distinct(), Is.EqualTo(new object[] { 7L, 14L }));
            Assert.That(pools.Select(pool => pool["sampling_ratio"]).Distinct(), Is.EqualTo(new object[] { 3L }));
            Assert.That(pools.Select(pool => pool["coordinate_transformation_mode"]).Distinct(), Is.EqualTo(new object[] { "half_pixel" }));
            // Pillow's resizing, across and down.
            Assert.That(graph.Nodes.Count(node => node.Operator == "Loop"), Is.EqualTo(2));
            // In a bottleneck with the stride in the first convolution, no 3×3 convolution has one.
            var strides = graph.Nodes.Where(node => node.Operator == "Conv" && node.Inputs[1].EndsWith(".conv2.weight", StringComparison.Ordinal))
                .Select(node => ((List<long>)node.Attributes["strides"])[0]);
            Assert.That(strides.Distinct(), Is.EqualTo((long[])[1]));
        });
    }

    [TestCase(DataType.F16)]
    [TestCase(DataType.BF16)]
    public void Weights_can_be_stored_in_half_the_size(DataType type)
    {
        var model = Path.Combine(Fixtures, "zoo", "retinanet-v2", "model.safetensors");
        var report = OnnxExport.Convert(model, Output, type);
        var graph = ReadGraph.Open(Output);
        using var written = WeightsFile.Open(Output);
        Assert.Multiple(() =>
        {
            Assert.That(report.Parameters, Is.EqualTo(written.Tensors.Values.Sum(tensor => tensor.Count)));
            Assert.That(written.Tensors.Values.Select(tensor => tensor.DataType).Distinct(), Is.EqualTo((DataType[])[type]));
            Assert.That(graph.Faults(), Is.Empty);
            // Nothing but a conversion reads a stored weight, because the graph computes in float.
            var readers = graph.Nodes.Where(node => node.Inputs.Exists(graph.Initialisers.Contains)).ToList();
            Assert.That(readers, Has.Count.EqualTo(graph.Initialisers.Count));
            Assert.That(readers.Select(node => (node.Operator, node.Attributes["to"])).Distinct(), Is.EqualTo(new[] { ("Cast", (object)1L) }));
        });
    }

    [Test]
    public void A_damaged_weight_is_noticed()
    {
        OnnxExport.Convert(Path.Combine(Fixtures, "zoo", "resnet18-frozen", "model.safetensors"), Output);
        var bytes = File.ReadAllBytes(Output);
        bytes[bytes.Length * 2 / 3] ^= 1;
        File.WriteAllBytes(Output, bytes);
        Assert.That(() => WeightsFile.Open(Output), Throws.TypeOf<WeightsException>().With.Message.Contains("checksum"));
    }

    [TestCase("zoo/vgg16/model.safetensors", "{}", "its backbone is VGG-16;")]
    [TestCase("zoo/mobilenet-v3-large/model.safetensors", "{}", "its backbone is MobileNetV3-Large;")]
    [TestCase("detectron2/d2-rpn-r50/model.pkl", "{}", "its detector is rpn;")]
    [TestCase("zoo/maskrcnn/model.safetensors", """{"detector": "fast-rcnn"}""", "its detector is fast-rcnn;")]
    [TestCase("zoo/maskrcnn/model.safetensors", """{"image_pyramid": [64, 128]}""", "'image_pyramid'")]
    [TestCase("zoo/maskrcnn/model.safetensors", """{"roi_max_pool": true}""", "'roi_max_pool'")]
    [TestCase("zoo/maskrcnn/model.safetensors", """{"pyramid": "bottom-up"}""", "its pyramid is 'bottom-up'")]
    [TestCase("zoo/maskrcnn/model.safetensors", """{"size_divisible": 16}""", "a multiple of 16 px ('size_divisible')")]
    public void What_a_graph_cannot_say_is_refused_and_named(string model, string overrides, string reason)
    {
        var input = Path.Combine(Fixtures, model);
        Assert.That(
            () => OnnxExport.Convert(input, Output, DataType.F32, overrides),
            Throws.TypeOf<WeightsException>().With.Message.StartsWith($"{input}: can't be exported to ONNX, because ")
                .And.Message.Contains(reason));
        Assert.That(Directory.GetFiles(folder), Is.Empty);
    }

    [Test]
    public void A_backbone_alone_is_refused()
    {
        var input = Path.Combine(folder, "backbone.safetensors");
        Safetensors.Write(input, [StateTensor.FromValues("layer1.0.conv1.weight", [1, 1, 1, 1], new float[] { 1 })], DataType.F32);
        Assert.That(() => OnnxExport.Convert(input, Output), Throws.TypeOf<WeightsException>().With.Message.Contains("holds a backbone"));
    }

    [Test]
    public void Other_endings_are_refused()
    {
        var input = Path.Combine(Fixtures, "zoo", "maskrcnn", "model.safetensors");
        Assert.That(
            () => OnnxExport.Convert(input, Path.Combine(folder, "model.pth")),
            Throws.TypeOf<WeightsException>().With.Message.EndsWith("must be .onnx."));
        Assert.That(() => ModelConverter.Convert(input, Output), Throws.TypeOf<WeightsException>().With.Message.Contains("OnnxExport"));
        Assert.That(Directory.GetFiles(folder), Is.Empty);
    }

    [TestCase(224, 4, 1e-6f)]
    [TestCase(90, 4, 0)]
    [TestCase(224, 4, 1e-8f)]
    public void A_level_begins_at_the_very_area_at_which_the_library_chooses_it(float side, int canonical, float epsilon)
    {
        var range = new RoiLevels.Range(2, 5, new RoiLevelRule(side, canonical, epsilon));
        for (var level = 3; level <= 5; level++)
        {
            var area = RoiNodes.LeastArea(level, range);
            Assert.That(RoiLevels.Of(new Box(0, 0, area, 1), range), Is.EqualTo(level));
            Assert.That(RoiLevels.Of(new Box(0, 0, MathF.BitDecrement(area), 1), range), Is.EqualTo(level - 1));
            Assert.That(MathF.Sqrt(area), Is.EqualTo(side * MathF.ScaleB(1, level - canonical)).Within(1e-4).Percent);
        }
    }
}
