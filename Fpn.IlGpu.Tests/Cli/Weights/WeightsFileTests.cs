using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Tests.Weights.Zoo;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Cli;

/// <summary><c>fpn weights info</c> and <c>convert</c>, <c>--set</c>, and the path from a published file to boxes.</summary>
internal sealed class WeightsFileTests : CommandTest
{
    [Test]
    public void Info_describes_a_checkpoint_and_what_it_costs()
    {
        PutFixture("[b]a[1].pth", "bottleneck-fpn.zip.pth");

        var result = Fpn("weights", "info", "[b]a[1].pth", "--size", "64x96", "--set", "min_size=64");

        result.AssertExit(0);
        Assert.Multiple(() =>
        {
            Assert.That(result.Output, Does.Match("(?m)^file +PyTorch zip, F32 *$"));
            Assert.That(result.Output, Does.Match("(?m)^detector +faster-rcnn, 91 classes *$"));
            Assert.That(result.Output, Does.Match("(?m)^backbone +ResNet, bottlenecks 3, 4, 6, 3 *$"));
            Assert.That(result.Output, Does.Match("(?m)^pyramid +5 levels of 32 channels"));
            Assert.That(result.Output, Does.Match("(?m)^picture +64 × 96 px, as input 64 × 96 px *$"));
            Assert.That(result.Output, Does.Match("(?m)^arithmetic +[0-9.]+ GFLOP"));
            Assert.That(result.Output, Does.Match("(?m)^min_size +64 *$"));
            Assert.That(result.Output, Does.Match("(?m)^not used +nothing"));
        });
    }

    [Test]
    public void Convert_writes_the_format_that_the_ending_or_the_option_says()
    {
        PutFixture("model.safetensors", "bottleneck-fpn.safetensors");

        Fpn("weights", "convert", "model.safetensors", "--to", "pth").AssertExit(0);
        Fpn("weights", "convert", "model.pth", "back.safetensors", "--to", "safetensors").AssertExit(0);

        Assert.That(File.ReadAllBytes(At("model.pth"))[..2], Is.EqualTo("PK"u8.ToArray()));
        using var before = Safetensors.Open(At("model.safetensors"));
        using var back = Safetensors.Open(At("back.safetensors"));
        Assert.That(back.Tensors.Keys, Is.EqualTo(before.Tensors.Keys));
    }

    [Test]
    public void Convert_exports_to_ONNX_and_says_what_goes_in_and_comes_out()
    {
        PutFixture("model.safetensors", "bottleneck-fpn.safetensors");

        var result = Fpn("weights", "convert", "model.safetensors", "--to", "onnx");

        result.AssertExit(0);
        Assert.That(result.Output, Does.StartWith("model.onnx: 295 tensors,"));
        Assert.That(result.Output, Does.Contain("In: image, uint8 [height, width, 3], RGB."));
        Assert.That(result.Output, Does.Contain("Out: boxes, labels, scores."));
        Fpn("weights", "info", "model.onnx").AssertExit(0);
    }

    [TestCase(new[] { "out.safetensors", "--to", "pth" }, 1, "--to is pth, but the ending of 'out.safetensors' is another; name it 'out.pth'")]
    [TestCase(new[] { "out.pt", "--to", "safetensors" }, 1, "name it 'out.safetensors'")]
    [TestCase(new[] { "out.bin" }, 1, "out.bin: the ending of an output file says its format")]
    [TestCase(new[] { "out.onnx", "--to", "pth" }, 1, "name it 'out.pth'")]
    [TestCase(new[] { "out.bin", "--to", "tflite" }, 2, "--to is 'tflite'; it must be safetensors, pth or onnx")]
    [TestCase(new string[0], 2, "OUT or --to is needed")]
    [TestCase(new[] { "--to", "safetensors" }, 1, "model.safetensors', which this command reads")]
    public void Convert_refuses_an_ending_that_is_not_the_format(string[] arguments, int exit, string explanation)
    {
        PutFixture("model.safetensors", "bottleneck-fpn.safetensors");

        var result = Fpn(["weights", "convert", "model.safetensors", .. arguments]);

        result.AssertExit(exit);
        result.AssertOneError(explanation);
        Assert.That(FilesIn("."), Is.EqualTo(["model.safetensors"]));
    }

    [Test]
    public void Info_names_unused_tensors()
    {
        using (var state = Safetensors.Open(Fixture("bottleneck-fpn.safetensors")))
        {
            Safetensors.Write(
                At("more.safetensors"), state.Tensors.Values.Append(StateTensor.FromValues("keypoints.weight", [1], new float[1])),
                DataType.F32, state.Metadata);
        }
        var result = Fpn("weights", "info", "more.safetensors", "--size", "64x64");

        result.AssertExit(0);
        Assert.That(result.Output, Does.Match("(?m)^not used +keypoints.weight *$"));
    }

    [Test]
    public void Info_names_every_tensor_that_would_not_load()
    {
        string[] missing = ["backbone.body.layer2.1.bn2.running_var", "roi_heads.box_predictor.bbox_pred.bias"];
        const string Odd = "backbone.body.layer1.0.bn1.weight", NoNumber = "rpn.head.cls_logits.bias";
        using (var state = Safetensors.Open(Fixture("bottleneck-fpn.safetensors")))
        {
            Safetensors.Write(
                At("less.safetensors"),
                state.Tensors.Values.Where(t => !missing.Contains(t.Name)).Select(t => t.Name switch
                {
                    Odd => StateTensor.FromValues(Odd, [3], new float[3]),
                    NoNumber => StateTensor.FromValues(NoNumber, [3], new[] { 1, float.NaN, 1 }),
                    _ => t,
                }),
                DataType.F32, state.Metadata);
        }
        var result = Fpn("weights", "info", "less.safetensors");

        result.AssertExit(1);
        var errors = result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(errors, Has.Length.EqualTo(4));
        foreach (var name in missing.Append(Odd).Append(NoNumber))
            Assert.That(errors, Has.One.Contains($"'{name}'"));
    }

    [Test]
    public void A_converted_file_gives_the_same_detections()
    {
        PutFixture("a.pth", "bottleneck-fpn.legacy.pth");
        PutFixture("a.png", "bottleneck/bottleneck-256x256.png");
        string[] settings = ["--set", "min_size=256", "--set", "max_size=448", "--set", "box_score_thresh=0.02"];

        var result = Fpn(["weights", "convert", "a.pth", "out.safetensors", "--dtype", "F16", .. settings]);

        result.AssertExit(0);
        Assert.That(result.Output, Does.Contain("295 tensors").And.Contain("Every number is unchanged."));
        string[] detect = ["detect", "a.png", "--no-pictures", "--json", "-", "--score", "0.1", "--model"];
        var before = FpnProcess.Run(Folder, [.. detect, "a.pth", .. settings]);
        var after = FpnProcess.Run(Folder, [.. detect, "out.safetensors"]);
        before.AssertExit(0);
        Assert.That(before.Output, Does.Contain("\"label\""));
        Assert.That(after.Output, Is.EqualTo(before.Output));
    }

    [Test]
    public void Convert_reports_the_largest_rounding()
    {
        PutFixture("a.safetensors", "bottleneck-fpn.safetensors");

        var result = Fpn("weights", "convert", "a.safetensors", "b.safetensors", "--dtype", "bf16");

        result.AssertExit(0);
        Assert.That(result.Output, Does.Match("Largest rounding error: 0.[0-9]+, in [a-z0-9_.]+, whose largest magnitude is"));
        Assert.That(FilesIn("."), Is.EqualTo(["a.safetensors", "b.safetensors"]));
    }

    [TestCase("weights info no-such.pth", "no-such.pth", 1)]
    [TestCase("weights convert no-such.pth out.safetensors", "no-such.pth", 1)]
    [TestCase("weights info text.pth", "text.pth", 1)]
    [TestCase("weights info text.pth --size 64", "--size is '64'", 2)]
    [TestCase("weights info text.pth --set min_size", "--set is 'min_size'", 2)]
    [TestCase("weights convert text.pth out.safetensors --dtype f64", "--dtype is 'f64'", 2)]
    [TestCase("weights convert text.pth", "OUT", 2)]
    public void Invalid_files_and_options_are_reported_in_one_sentence(string arguments, string about, int code)
    {
        Put("text.pth", "No weights at all."u8.ToArray());

        var result = Fpn(arguments.Split(' '));

        result.AssertExit(code);
        result.AssertOneError(about);
        Assert.That(FilesIn("."), Is.EqualTo(["text.pth"]));
    }

    [Test]
    public void An_unknown_key_is_named()
    {
        PutFixture("a.pth", "bottleneck-fpn.zip.pth");

        var result = Fpn("weights", "info", "a.pth", "--set", "minsize=64");

        result.AssertExit(1);
        result.AssertOneError("'minsize'");
    }

    /// <summary>
    /// The whole path: a published file from a mirror, its digest, conversion, and boxes. The file is a small Detectron2 model.
    /// Four bytes appended to it, which a pickle reader ignores, make its MD5 begin like that of the published file.
    /// </summary>
    [Test]
    public void A_published_model_is_downloaded_converted_and_found_by_name()
    {
        const string Name = "detectron2_rpn_R_50_FPN_1x";
        byte[] published = [.. File.ReadAllBytes(Fixture("detectron2/d2-rpn-r50/model.pkl")), .. BitConverter.GetBytes(DigestSuffix)];
        using var mirror = new RawHttpServer(Answers.File(published));
        Dictionary<string, string?> environment = new() { ["FPN_CACHE"] = At("cache"), ["FPN_ZOO_URL"] = mirror.Address };
        PutFixture("a.png", "detectron2/small-83x75.png");

        var download = FpnProcess.Run(Folder, environment, "weights", "download", Name);

        download.AssertExit(0);
        Assert.That(FilesIn("cache"), Is.EqualTo([$"{Name}.safetensors"]));
        using (var converted = Safetensors.Open(At($"cache/{Name}.safetensors")))
        {
            Assert.That(ModelConfiguration.Of(converted).RpnPostNmsTopN, Is.EqualTo(2000));
            Assert.That(converted.Contains("backbone.fpn.inner_blocks.0.0.weight"));
        }
        var detect = FpnProcess.Run(
            Folder, environment, "detect", "a.png", "--no-pictures", "--model", Name, "--set", "min_size=96", "--set", "max_size=250");

        detect.AssertExit(0);
        Assert.That(detect.Output, Does.Match("(?m)^object +[01]\\.[0-9]{2} "));
    }

    private const uint DigestSuffix = 0x1bdef38;

    private static string Fixture(string file) => Path.Combine(AppContext.BaseDirectory, "Parity", "fixtures", file);

    private void PutFixture(string path, string fixture) => Put(path, File.ReadAllBytes(Fixture(fixture)));
}
