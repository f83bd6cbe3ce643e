using System.Text;

namespace Fpn.IlGpu.Tests.Cli;

/// <summary>Checkpoints and models that were damaged on the disk, and what killed runs leave.</summary>
internal sealed class DamagedRunTests : CommandTest
{
    [SetUp]
    public void Train()
    {
        Put("run.json", Encoding.UTF8.GetBytes(TinyTraining.Json(steps: 1, checkpointEvery: 1)));
        Fpn("train", "run.json", "--device", "cpu").AssertExit(0);
    }

    [Test]
    public void A_checkpoint_with_a_flipped_bit_is_not_resumed()
    {
        Flip("run/checkpoint.safetensors");

        var result = Fpn("train", "run.json", "--device", "cpu", "--resume");

        result.AssertExit(1);
        result.AssertOneError("run/checkpoint.safetensors: the file is damaged");
    }

    [Test]
    public void A_model_with_a_flipped_bit_does_not_detect()
    {
        PutSample("a.png");
        Flip("run/model.safetensors");

        var result = Fpn("detect", "a.png", "--device", "cpu", "--model", "run/model.safetensors", "--no-pictures");

        result.AssertExit(1);
        result.AssertOneError("run/model.safetensors: the file is damaged");
    }

    [Test]
    public void What_a_killed_run_left_is_cleaned_by_the_next()
    {
        Put($"run/.fpn-{Guid.NewGuid():N}.tmp", new byte[1000]);
        Put($"detections/.fpn-{Guid.NewGuid():N}.tmp", new byte[1000]);
        PutSample("a.png");

        Fpn("train", "run.json", "--device", "cpu", "--resume").AssertExit(0);
        Fpn("detect", "a.png", "--device", "cpu").AssertExit(0);

        Assert.That(FilesIn("run"), Is.EqualTo(["checkpoint.safetensors", "model.safetensors", "training.csv", "training.svg"]));
        Assert.That(FilesIn("detections"), Is.EqualTo(["a.png"]));
    }

    private void Flip(string path)
    {
        var bytes = File.ReadAllBytes(At(path));
        bytes[^100] ^= 4;
        Put(path, bytes);
    }
}
