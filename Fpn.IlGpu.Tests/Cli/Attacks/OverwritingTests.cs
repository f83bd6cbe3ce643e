using System.Text;
using Fpn.IlGpu.Detection;

namespace Fpn.IlGpu.Tests.Cli;

/// <summary>No command writes over what it reads, by whatever name or link the output reaches it.</summary>
[Platform(Exclude = "Win", Reason = "Creating links needs a privilege.")]
internal sealed class OverwritingTests : CommandTest
{
    private const string Truth = """
        { "images": [{ "id": 1, "file_name": "x.png", "width": 320, "height": 320 }],
          "categories": [{ "id": 1, "name": "star" }], "annotations": [] }
        """;

    [Test]
    public void Detect_out_through_a_link_keeps_the_pictures()
    {
        var before = Photo("photos/x.png");
        Directory.CreateSymbolicLink(At("out"), "photos");

        Fpn("detect", "photos", "--out", "out").AssertExit(0);

        AssertKept("photos/x.png", before);
        Assert.That(FilesIn("photos"), Is.EqualTo(["x-2.png", "x.png"]));
    }

    [Test]
    public void Detect_of_a_link_keeps_the_pictures_it_leads_to()
    {
        var before = Photo("photos/x.png");
        Directory.CreateSymbolicLink(At("in"), "photos");
        Directory.CreateDirectory(At("links"));
        File.CreateSymbolicLink(At("links/x.png"), "../photos/x.png");

        Fpn("detect", "in", "--out", "photos").AssertExit(0);
        Fpn("detect", "links/x.png", "--out", "photos").AssertExit(0);

        AssertKept("photos/x.png", before);
    }

    [TestCase("model.safetensors")]
    [TestCase("link.jsonl")]
    [TestCase("photos/x.bin")]
    public void Detect_json_keeps_the_model_and_the_pictures(string json)
    {
        PutModel();
        var picture = Photo("photos/x.bin");
        File.CreateSymbolicLink(At("link.jsonl"), "model.safetensors");
        var model = File.ReadAllBytes(At("model.safetensors"));

        var result = Fpn("detect", "photos/x.bin", "--model", "model.safetensors", "--json", json, "--no-pictures");

        result.AssertExit(1);
        result.AssertOneError($"The file '{json}' can't be written (it is '");
        AssertKept("model.safetensors", model);
        AssertKept("photos/x.bin", picture);
    }

    [TestCase("--json", "truth.json")]
    [TestCase("--problems", "truth.json")]
    [TestCase("--save-results", "truth.json")]
    [TestCase("--save-results", "link.json")]
    [TestCase("--json", "photos/x.png")]
    [TestCase("--curves", "photos/x.png")]
    [TestCase("--worst", "photos")]
    [TestCase("--json", "model.safetensors")]
    public void Eval_keeps_its_inputs(string option, string path)
    {
        PutModel();
        var picture = Photo("photos/x.png");
        var model = File.ReadAllBytes(At("model.safetensors"));
        Put("truth.json", Encoding.UTF8.GetBytes(Truth));
        File.CreateSymbolicLink(At("link.json"), "truth.json");

        var result = Fpn(
            "eval", "--truth", "truth.json", "--images", "photos", "--model", "model.safetensors", "--device", "cpu", option, path);

        result.AssertExit(1);
        Assert.That(result.Error, Does.Contain($"choose another with {option}"));
        AssertKept("truth.json", Encoding.UTF8.GetBytes(Truth));
        AssertKept("photos/x.png", picture);
        AssertKept("model.safetensors", model);
    }

    [Test]
    public void Eval_keeps_the_results_that_it_reads()
    {
        Put("truth.json", Encoding.UTF8.GetBytes(Truth));
        Put("found.json", "[]"u8.ToArray());

        var result = Fpn("eval", "--truth", "truth.json", "--results", "found.json", "--json", "./found.json");

        result.AssertExit(1);
        Assert.That(result.Error, Does.Contain("it is 'found.json', which this command reads"));
        AssertKept("found.json", "[]"u8.ToArray());
    }

    [Test]
    public void Two_outputs_of_a_command_are_two_files()
    {
        Photo("photos/x.png");
        Put("truth.json", Encoding.UTF8.GetBytes(Truth));

        var result = Fpn("eval", "-t", "truth.json", "-i", "photos", "-d", "cpu", "--json", "a.json", "--save-results", "./a.json");

        result.AssertExit(1);
        Assert.That(result.Error, Does.Contain("it is also the output of --json"));
    }

    [Test]
    public void Proposals_out_keeps_the_truth()
    {
        Photo("photos/x.png");
        Put("truth.json", Encoding.UTF8.GetBytes(Truth));

        var result = Fpn("proposals", "--truth", "truth.json", "--images", "photos", "--out", "truth.json", "--device", "cpu");

        result.AssertExit(1);
        Assert.That(result.Error, Does.Contain("can't be written (it is 'truth.json', which this command reads); choose another with --out"));
        AssertKept("truth.json", Encoding.UTF8.GetBytes(Truth));
    }

    [Test]
    public void Train_out_keeps_the_weights_and_the_configuration()
    {
        PutModel();
        var model = File.ReadAllBytes(At("model.safetensors"));
        Directory.CreateSymbolicLink(At("run"), ".");
        var json = TinyTraining.Json(steps: 1, checkpointEvery: 1)
            .Replace("\"layout\"", "\"weights\": \"model.safetensors\", \"layout\"", StringComparison.Ordinal);
        json = json.Replace("\"widths\": [8, 8, 8, 8]", "\"widths\": [32, 64, 128, 256]", StringComparison.Ordinal);
        Put("run.json", Encoding.UTF8.GetBytes(json));
        Put("training.csv", Encoding.UTF8.GetBytes(TinyTraining.Json(steps: 1, checkpointEvery: 1)));

        var weights = Fpn("train", "run.json", "--out", "run", "--device", "cpu");
        weights.AssertExit(1);
        weights.AssertOneError("model.safetensors', which this command reads)");
        var configuration = Fpn("train", "training.csv", "--out", "run", "--device", "cpu");
        configuration.AssertExit(1);
        configuration.AssertOneError("(it is 'training.csv', which this command reads); choose another with --out");

        AssertKept("model.safetensors", model);
        Assert.That(File.ReadAllText(At("training.csv")), Does.StartWith("{"));
    }

    [Test]
    public void Convert_keeps_the_file_that_it_converts()
    {
        PutModel();
        var model = File.ReadAllBytes(At("model.safetensors"));
        File.CreateSymbolicLink(At("link.safetensors"), "model.safetensors");

        var result = Fpn("weights", "convert", "link.safetensors", "model.safetensors", "--dtype", "bf16");

        result.AssertExit(1);
        result.AssertOneError("model.safetensors: can't be written (it is 'link.safetensors', which this command reads)");
        AssertKept("model.safetensors", model);
    }

    [Test]
    public void Ablate_out_keeps_the_configuration()
    {
        var file = "ablation/table1-c/seed0/figures.json";
        Put(file, Encoding.UTF8.GetBytes(TinyTraining.Json(steps: 1, checkpointEvery: 1)));
        var before = File.ReadAllBytes(At(file));

        var result = Fpn("ablate", file, "--out", "ablation", "--tables", "1", "--rows", "c", "--seeds", "1", "--device", "cpu");

        result.AssertExit(1);
        Assert.That(result.Error, Does.Contain("which this command reads"));
        AssertKept(file, before);
    }

    [TestCase("set/instances.json")]
    [TestCase("set/pictures/000001.png")]
    [TestCase("set/pictures/street.jpg")]
    public void Shapes_keeps_a_data_set_that_it_did_not_write(string file)
    {
        Put(file, "precious"u8.ToArray());

        var result = Fpn("shapes", "set", "--count", "1", "--size", "64x64", "--largest", "40");

        result.AssertExit(1);
        result.AssertOneError($"'{file}' was not written by 'fpn shapes'");
        AssertKept(file, "precious"u8.ToArray());
        Assert.That(FilesIn("."), Is.EqualTo([file]));
    }

    private byte[] Photo(string path)
    {
        PutSample(path);
        return File.ReadAllBytes(At(path));
    }

    private void PutModel()
    {
        using var shipped = typeof(FasterRcnn).Assembly.GetManifestResourceStream("shapes-fpn.safetensors")!;
        var bytes = new byte[shipped.Length];
        shipped.ReadExactly(bytes);
        Put("model.safetensors", bytes);
    }

    private void AssertKept(string path, byte[] before) => Assert.That(File.ReadAllBytes(At(path)).AsSpan().SequenceEqual(before), path);
}
