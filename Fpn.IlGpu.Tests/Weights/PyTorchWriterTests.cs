using System.Diagnostics;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Weights;

/// <summary>Checkpoints that PyTorch loads, written by the converter: what is in them, and that their ending says what they are.</summary>
public sealed class PyTorchWriterTests
{
    private static readonly string Model = Path.Combine(AppContext.BaseDirectory, "Parity", "fixtures", "bottleneck-fpn.safetensors");

    private string folder = "";

    [SetUp]
    public void MakeFolder() => folder = Directory.CreateTempSubdirectory("fpn-weights-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(folder, recursive: true);

    [TestCase("model.pth", DataType.F32)]
    [TestCase("model.pt", DataType.F16)]
    [TestCase("MODEL.PTH", DataType.BF16)]
    public void A_converted_checkpoint_has_the_same_tensors_and_configuration(string name, DataType type)
    {
        var (output, back) = (Path.Combine(folder, name), Path.Combine(folder, "back.safetensors"));
        var report = ModelConverter.Convert(Model, output, type, """{ "min_size": 123 }""");
        ModelConverter.Convert(output, back);
        using var before = Checkpoint.Open(Model);
        using var written = Checkpoint.Open(output);
        using var after = Checkpoint.Open(back);
        Assert.That(File.ReadAllBytes(output)[..2], Is.EqualTo("PK"u8.ToArray()), "a zip archive");
        Assert.That(written.Format, Is.EqualTo("PyTorch zip"));
        Assert.That(written.Tensors.Keys, Is.EqualTo(before.Tensors.Keys).And.EqualTo(after.Tensors.Keys));
        Assert.That(ModelConfiguration.Of(after).MinSize, Is.EqualTo(123));
        foreach (var tensor in before.Tensors.Values)
        {
            Assert.That(written[tensor.Name].DataType, Is.EqualTo(type));
            Assert.That(written[tensor.Name].Shape, Is.EqualTo(tensor.Shape));
            var values = written[tensor.Name].ToArray();
            Assert.That(after[tensor.Name].ToArray(), Is.EqualTo(values));
            if (type == DataType.F32)
                Assert.That(values, Is.EqualTo(tensor.ToArray()));
        }
        Assert.That(report.Tensors, Is.EqualTo(before.Tensors.Count));
    }

    [Test]
    public void The_same_weights_give_the_same_file()
    {
        var (a, b) = (Path.Combine(folder, "a.pth"), Path.Combine(folder, "b.pth"));
        ModelConverter.Convert(Model, a);
        ModelConverter.Convert(a, b);
        Assert.That(File.ReadAllBytes(b), Is.EqualTo(File.ReadAllBytes(a)));
    }

    [Test]
    public void A_flipped_bit_is_refused()
    {
        var path = Path.Combine(folder, "model.pth");
        ModelConverter.Convert(Model, path);
        var bytes = File.ReadAllBytes(path);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(path, bytes);
        Assert.That(() => Checkpoint.Open(path), Throws.TypeOf<WeightsException>().With.Message.Contains("does not have its checksum"));
    }

    [TestCase("model.bin")]
    [TestCase("model")]
    [TestCase("model.tflite")]
    public void An_ending_that_says_nothing_or_something_else_is_refused(string name)
    {
        Assert.That(
            () => ModelConverter.Convert(Model, Path.Combine(folder, name)),
            Throws.TypeOf<WeightsException>().With.Message.EndsWith("it must be .safetensors, .pth or .pt for PyTorch, or .onnx."));
        Assert.That(Directory.GetFiles(folder), Is.Empty);
    }

    [Test]
    public void PyTorch_loads_a_checkpoint_with_weights_only()
    {
        var path = Path.Combine(folder, "model.pth");
        ModelConverter.Convert(Model, path);
        var script = "import sys, torch; s = torch.load(sys.argv[1], weights_only=True); "
            + "print(len(s), s['backbone.body.conv1.weight'].double().sum().item(), s['rpn.head.cls_logits.bias'].dtype)";
        var start = new ProcessStartInfo("/usr/bin/python3", ["-c", script, path]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var python = Start(start);
        var output = python.StandardOutput.ReadToEnd().Split(' ');
        var error = python.StandardError.ReadToEnd();
        python.WaitForExit();
        if (error.Contains("No module named 'torch'", StringComparison.Ordinal))
            Assert.Ignore("PyTorch is not installed.");
        Assert.That(python.ExitCode, Is.Zero, error);
        using var state = Checkpoint.Open(Model);
        Assert.That(int.Parse(output[0], System.Globalization.CultureInfo.InvariantCulture), Is.EqualTo(state.Tensors.Count));
        Assert.That(
            double.Parse(output[1], System.Globalization.CultureInfo.InvariantCulture),
            Is.EqualTo(state["backbone.body.conv1.weight"].ToArray().Sum(v => (double)v)).Within(1e-9));
        Assert.That(output[2].Trim(), Is.EqualTo("torch.float32"));
    }

    private static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Ignore("Python is not installed.");
            throw;
        }
    }
}
