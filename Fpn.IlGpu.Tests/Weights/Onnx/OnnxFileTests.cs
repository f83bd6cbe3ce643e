using System.Diagnostics;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Weights;

/// <summary>ONNX files, written by PyTorch's exporter (fixtures/make_onnx.py) and by hand.</summary>
public sealed class OnnxFileTests
{
    private const string Name = "rpn.head.conv.weight";

    [Test]
    public void The_weights_of_an_exported_detector_are_those_of_its_state_dict()
    {
        using var onnx = Checkpoint.Open(Checkpoints.Fixture("detector-kept.onnx"));
        using var expected = Safetensors.Open(Checkpoints.Fixture("detector-onnx.safetensors"));
        Assert.That(onnx.Format, Is.EqualTo("ONNX"));
        Assert.That(onnx.Tensors.Keys, Is.EquivalentTo(expected.Tensors.Keys));
        foreach (var tensor in expected.Tensors.Values)
        {
            Assert.That(onnx[tensor.Name].Shape, Is.EqualTo(tensor.Shape), tensor.Name);
            Assert.That(onnx[tensor.Name].ToArray(), Is.EqualTo(tensor.ToArray()), tensor.Name);
        }
        var configuration = ModelConfiguration.Of(onnx);
        Assert.That((configuration.Detector, configuration.BatchNormEpsilon), Is.EqualTo((DetectorKind.FasterRcnn, 1f / 1024)));
    }

    [Test]
    public void An_exported_backbone_is_known()
    {
        using var onnx = Checkpoint.OpenAny(Checkpoints.Fixture("backbone-kept.onnx"));
        using var expected = Safetensors.Open(Checkpoints.Fixture("detector-onnx.safetensors"));
        var body = expected.Tensors.Values.Where(tensor => tensor.Name.StartsWith("backbone.body.", StringComparison.Ordinal)).ToList();
        Assert.That(Checkpoint.IsBackbone(onnx));
        Assert.That(onnx.Tensors.Keys, Is.EquivalentTo(body.Select(tensor => tensor.Name)));
        foreach (var tensor in body)
            Assert.That(onnx[tensor.Name].ToArray(), Is.EqualTo(tensor.ToArray()), tensor.Name);
    }

    [Test]
    public void Folded_weights_without_names_are_refused_with_the_remedy()
        => Assert.That(
            () => Checkpoint.Open(Checkpoints.Fixture("detector-folded.onnx")),
            Throws.TypeOf<WeightsException>().With.Message.Match(
                @"detector-folded\.onnx: \d+ of its \d+ weights have lost their names, such as 'onnx::\w+_\d+', because batch norms were folded")
                .And.Message.Contains("do_constant_folding=False"));

    [Test]
    public void Every_way_to_store_numbers_is_read()
    {
        using var onnx = WeightsFile.Open(Checkpoints.Fixture("types.onnx"));
        Assert.That(onnx.Tensors.Keys, Is.EqualTo((string[])["rpn.head.listed.weight", "rpn.head.half.weight", "rpn.head.double.weight"]));
        foreach (var tensor in onnx.Tensors.Values)
        {
            Assert.That(tensor.Shape, Is.EqualTo((int[])[2, 3]));
            Assert.That(tensor.ToArray(), Is.EqualTo((float[])[0, 1, 2, 3, 4, 5]));
        }
    }

    [Test]
    public void Weights_in_another_file_are_refused_by_its_name()
        => Assert.That(
            () => WeightsFile.Open(Checkpoints.Fixture("external.onnx")),
            Throws.TypeOf<WeightsException>().With.Message.Contains("keeps its weights in another file ('weights.bin', external data)"));

    // A tensor of type 1 (float) and its field 9 (raw data).
    [TestCase(new byte[] { 0x08, 4, 0x10, 1, 0x4A, 4, 0, 0, 0, 0 }, "needs 16 bytes for its shape [4], but has 4")]
    [TestCase(new byte[] { 0x08, 1, 0x10, 1, 0x4A, 5, 0, 0, 0, 0 }, "a field claims 5 bytes, but only 4 follow")]
    [TestCase(new byte[] { 0x08, 1, 0x10, 1 }, "needs 4 bytes for its shape [1], but has 0")]
    [TestCase(new byte[] { 0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 0x10, 1 }, "has an invalid shape")]
    [TestCase(new byte[] { 0x08, 0xFF, 0xFF, 0xFF, 0xFF, 7, 0x08, 0xFF, 0xFF, 0xFF, 0xFF, 7, 0x08, 0xFF, 0xFF, 0xFF, 0xFF, 7, 0x10, 1 }, "needs ")]
    [TestCase(new byte[] { 0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1 }, "a number has more than ten bytes")]
    [TestCase(new byte[] { 0x08, 0x80 }, "it is cut short")]
    [TestCase(new byte[] { 0x0B }, "a field has an unknown encoding")]
    [TestCase(new byte[] { 0x00, 1 }, "a field has an invalid number")]
    [TestCase(new byte[] { 0x08, 1, 0x10, 1, 0x4A, 2, 0, 0, 0x4A, 2, 0, 0 }, "has its elements in several parts")]
    [TestCase(new byte[] { 0x40, 1 }, "field 8 has an unexpected encoding")]
    public void A_damaged_tensor_is_refused(byte[] fields, string what)
        => Assert.That(Checkpoints.Refusal(Onnx(Tensor(fields))), Does.Contain(what));

    [Test]
    public void Endless_lists_and_names_are_refused()
    {
        Assert.That(Checkpoints.Refusal(Onnx(Tensor([0x0A, 100, .. new byte[100]]))), Does.Contain("a list has more than 32 numbers"));
        var name = Enumerable.Repeat((byte)'a', 5000).ToArray();
        Assert.That(Checkpoints.Refusal(Onnx([0x42, 0x88, 0x27, .. name])), Does.Contain("a name has 5000 bytes"));
        Assert.That(Checkpoints.Refusal(Onnx()), Does.Contain("has no weights"));
        byte[] empty = [0x2A, 7, 0x08, 0, 0x10, 1, 0x42, 1, (byte)'a'];
        var many = new List<byte>();
        for (var i = 0; i < 20_001; i++)
            many.AddRange(empty);
        Assert.That(Checkpoints.Refusal(Model([.. many])), Does.Contain("more than 20000 weights"));
    }

    [Test]
    public void Mutated_files_are_read_or_refused_and_never_anything_else()
    {
        var original = File.ReadAllBytes(Checkpoints.Fixture("types.onnx"));
        var random = new Random(16);
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < 5000; i++)
        {
            var bytes = original.ToArray();
            for (var changes = random.Next(1, 4); changes > 0; changes--)
                bytes[random.Next(3, bytes.Length)] = (byte)random.Next(256);
            bytes = bytes[..random.Next(bytes.Length / 2, bytes.Length + 1)];
            try
            {
                using var state = Checkpoints.Open(bytes);
                Checkpoints.ReadAll(state);
            }
            catch (WeightsException)
            {
                // Refused.
            }
        }
        Assert.That(clock.Elapsed, Is.LessThan(TimeSpan.FromSeconds(5)));
    }

    private static byte[] Tensor(byte[] fields) => [0x42, (byte)Name.Length, .. System.Text.Encoding.ASCII.GetBytes(Name), .. fields];

    /// <summary>A model of one initialiser.</summary>
    private static byte[] Onnx(params byte[] tensor) => tensor.Length == 0 ? Model([]) : Model(Field(5, tensor));

    private static byte[] Model(byte[] graph) => [0x08, 7, .. Field(7, graph)];

    private static byte[] Field(int number, byte[] content)
    {
        List<byte> length = [];
        for (var rest = content.Length; ; rest >>= 7)
        {
            length.Add((byte)((rest & 0x7F) | (rest > 0x7F ? 0x80 : 0)));
            if (rest <= 0x7F)
                return [(byte)(number << 3 | 2), .. length, .. content];
        }
    }
}
