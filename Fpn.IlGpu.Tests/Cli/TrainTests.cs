using System.Text;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Cli;

/// <summary><c>fpn train</c>: the files it writes, and its messages about invalid input.</summary>
internal sealed class TrainTests : CommandTest
{
    private const string Shapes = """ "data": { "shapes": {} } """;

    [Test]
    public void A_run_ends_with_a_model_that_detects()
    {
        PutText("run.json", TinyTraining.Json(steps: 4, checkpointEvery: 2));

        var result = Fpn("train", "run.json", "--out", "deep/er", "--device", "cpu");

        result.AssertExit(0);
        Assert.That(result.Error, Is.Empty);
        var lines = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(lines[0], Does.Contain("(cpu), resnet18, 7 classes, 8 pictures"));
        Assert.That(lines[1], Does.Match(@"^step 2: loss \d\.\d{3} \(rpn objectness .*, rpn boxes .*, box classes .*, box deltas .*\)"));
        Assert.That(lines[2], Does.StartWith("step 4: loss "));
        Assert.That(lines[3], Does.StartWith("Trained in ").And.Contain(Path.Combine("deep/er", "model.safetensors")));
        Assert.That(lines, Has.Length.EqualTo(4));
        Assert.That(FilesIn("deep/er"), Is.EqualTo(["checkpoint.safetensors", "model.safetensors", "training.csv", "training.svg"]));
        var log = File.ReadAllLines(At("deep/er/training.csv"));
        Assert.That(log[0], Is.EqualTo("step,loss,rpn objectness,rpn boxes,box classes,box deltas,learning_rate,seconds"));
        Assert.That(log[1..].Select(line => line.Split(',')[0]), Is.EqualTo(["1", "2", "3", "4"]));

        PutSample("a.png");
        Fpn("detect", "a.png", "--device", "cpu", "--model", "deep/er/model.safetensors").AssertExit(0);
        var finished = Fpn("train", "run.json", "--out", "deep/er", "--resume", "--device", "cpu");
        finished.AssertExit(0);
        Assert.That(finished.Output, Does.Contain("This run is finished, after 4 steps: "));
    }

    [TestCase("--frobnicate", "--frobnicate")]
    [TestCase("--device=gpu", "--device is 'gpu'")]
    [TestCase("--out", "--out")]
    [TestCase("another.json", "another.json")]
    public void A_wrong_option_is_explained(string option, string explanation)
    {
        var result = Fpn("train", "run.json", option);

        result.AssertExit(2);
        result.AssertOneError(explanation);
        Assert.That(result.Error, Does.Contain("fpn train --help"));
        Assert.That(FilesIn("."), Is.Empty);
    }

    [Test]
    public void A_missing_argument_is_wrong_usage() => Fpn("train").AssertExit(2);

    [TestCase("nowhere.json", "nowhere.json: there is no such training configuration")]
    [TestCase("no/where.json", "no/where.json: there is no such training configuration")]
    [TestCase(".", ".: the training configuration can't be read (it is a folder)")]
    public void A_missing_configuration_is_named(string path, string explanation) => AssertRefused(path, explanation);

    [TestCase("{\n  \"data\": { \"shapes\": {} }\n  \"seed\": 1 }", "run.json, line 3, column 3: this is not valid JSON")]
    [TestCase("{", "run.json, line 1, column 2: this is not valid JSON")]
    [TestCase("", "run.json, line 1, column 1: this is not valid JSON")]
    [TestCase("{\n" + Shapes + ",\n \"sched\": 1 }",
        "run.json, line 3, column 10: there is no key 'sched' (did you mean 'seed' or 'schedule'?); the known keys are: data, network")]
    [TestCase("{ \"data\": { \"shapes\": { \"widht\": 5 } } }", "there is no key 'data.shapes.widht' (did you mean 'width'?); the known keys are: scene, annotated, width")]
    [TestCase("{ " + Shapes + ", \"model\": { \"min_sizes\": 5 } }", "run.json: 'model' can't be used. There is no configuration key 'min_sizes' (did you mean 'min_size'?)")]
    [TestCase("{ " + Shapes + ", \"model\": { \"min_size\": 0 } }", "run.json: 'model' can't be used. The configuration's min_size is '0'")]
    [TestCase("{ " + Shapes + ", \"schedule\": { \"decay\": \"linear\" } }",
        "'schedule.decay' takes one of \"none\", \"steps\", \"cosine\"")]
    [TestCase("{ " + Shapes + ", \"schedule\": { \"steps\": 0 } }", "run.json: 'schedule' takes whole numbers: 'steps'")]
    [TestCase("{ \"data\": { \"shapes\": { \"width\": 5 } } }", "run.json: 'data.shapes' takes 'width' and 'height' from 21")]
    [TestCase("{}", "a training configuration needs 'data'")]
    public void A_broken_configuration_is_explained(string json, string explanation)
    {
        PutText("run.json", json);
        AssertRefused("run.json", explanation);
    }

    [TestCase("\"coco\": { \"annotations\": \"truth.json\", \"pictures\": \"nowhere\" }", "nowhere")]
    [TestCase("\"coco\": { \"annotations\": \"nowhere.json\", \"pictures\": \"pictures\" }", "nowhere.json")]
    [TestCase("\"coco\": { \"annotations\": \"broken.json\", \"pictures\": \"pictures\" }",
        "broken.json' is broken JSON at line 2, column 12")]
    [TestCase("\"coco\": { \"annotations\": \"empty.json\", \"pictures\": \"pictures\" }", "empty.json")]
    [TestCase("\"voc\": { \"folder\": \"nowhere\", \"split\": \"train\" }", "nowhere")]
    public void Missing_or_broken_data_is_named(string data, string explanation)
    {
        PutSample("pictures/a.png");
        PutText("truth.json", """{ "images": [{ "id": 1, "file_name": "a.png", "width": 320, "height": 320 }] }""");
        PutText("empty.json", """{ "images": [], "annotations": [], "categories": [] }""");
        PutText("broken.json", "{\n  \"images\" [] }");
        PutText("run.json", $"{{ \"data\": {{ {data} }} }}");
        AssertRefused("run.json", explanation);
    }

    [Test]
    public void Missing_weights_are_named()
    {
        PutText("run.json", $$"""{ {{Shapes}}, "network": { "weights": "nowhere.pth" } }""");
        AssertRefused("run.json", "nowhere.pth: there is no such weights file");
    }

    [TestCase("resnet18")]
    [TestCase("detectron2_faster_rcnn_R_50_FPN_3x")]
    public void A_published_model_that_is_not_downloaded_is_named_with_the_command(string name)
    {
        PutText("run.json", $$"""{ {{Shapes}}, "network": { "weights": "{{name}}" } }""");
        AssertRefused("run.json", $"The model '{name}' ('network.weights') is not downloaded yet; run 'fpn weights download {name}'.");
    }

    [Test]
    public void A_run_from_weights_says_what_it_loaded()
    {
        PutText("run.json", TinyTraining.Json(steps: 1, checkpointEvery: 1).Replace(
            "\"model\": {", "\"model\": { // The scenes are small.\n", StringComparison.Ordinal));
        Fpn("train", "run.json", "--out", "first", "--device", "cpu").AssertExit(0);
        // As the cache keeps a downloaded backbone: a name of the list stands for it.
        using (var model = Safetensors.Open(At("first/model.safetensors")))
        {
            Directory.CreateDirectory(At("cache"));
            Safetensors.Write(
                At("cache/resnet18.safetensors"), model.Tensors.Values.Where(t => t.Name.StartsWith("backbone.body.", StringComparison.Ordinal)));
        }
        PutText("run.json", TinyTraining.Json(steps: 1, checkpointEvery: 1).Replace(
            "\"layout\"", "\"weights\": \"resnet18\", \"layout\"", StringComparison.Ordinal));

        var result = FpnProcess.Run(
            Folder, new Dictionary<string, string?> { ["FPN_CACHE"] = At("cache") }, "train", "run.json", "--out", "second", "--device", "cpu");

        result.AssertExit(0);
        Assert.That(result.Output.Split('\n')[1..3].Select(line => line.TrimEnd()), Is.EqualTo((string[])
        [
            "Weights: 100 of 130 tensors are those of resnet18.",
            "Random: backbone.fpn (16), rpn.head (6), roi_heads.box_head (4), roi_heads.box_predictor (4).",
        ]));
    }

    [TestCase("taken")]
    [TestCase("taken/run")]
    public void A_folder_that_cannot_be_created_is_named(string output)
    {
        PutText("run.json", TinyTraining.Json(steps: 1, checkpointEvery: 1));
        Put("taken", [1]);

        var result = Fpn("train", "run.json", "--out", output, "--device", "cpu");

        result.AssertExit(1);
        result.AssertOneError($"The run's folder '{output}' can't be created (");
        Assert.That(File.ReadAllBytes(At("taken")), Is.EqualTo(new byte[] { 1 }));
    }

    [Test]
    public void Resuming_without_a_checkpoint_is_refused()
    {
        PutText("run.json", TinyTraining.Json(steps: 1, checkpointEvery: 1));
        AssertNotResumed("There is no run/checkpoint.safetensors to resume from; leave out --resume to start a new run.");
    }

    [Test]
    public void A_checkpoint_of_another_configuration_is_refused_and_kept()
    {
        PutText("run.json", TinyTraining.Json(steps: 1, checkpointEvery: 1));
        Fpn("train", "run.json", "--device", "cpu").AssertExit(0);
        var checkpoint = File.ReadAllBytes(At("run/checkpoint.safetensors"));
        PutText("run.json", TinyTraining.Json(steps: 1, checkpointEvery: 1, ", \"learning_rate\": 0.5"));

        AssertNotResumed("run/checkpoint.safetensors was written with another configuration ('schedule.learning_rate')");

        Assert.That(File.ReadAllBytes(At("run/checkpoint.safetensors")), Is.EqualTo(checkpoint));
        File.Copy(At("run/model.safetensors"), At("run/checkpoint.safetensors"), overwrite: true);
        AssertNotResumed("run/checkpoint.safetensors is not a checkpoint of a training run");
        Put("run/checkpoint.safetensors", checkpoint[..^1000]);
        AssertNotResumed("run/checkpoint.safetensors: ");
    }

    [Test]
    public void A_missing_device_is_named()
    {
        PutText("run.json", TinyTraining.Json(steps: 1, checkpointEvery: 1));

        var result = Fpn("train", "run.json", "--device", "cuda:7");

        result.AssertExit(1);
        result.AssertOneError("cuda:7");
        Assert.That(FilesIn("."), Is.EqualTo(["run.json"]));
    }

    [Test]
    public void Help_shows_examples_and_exit_codes()
    {
        var result = Fpn("train", "--help");

        result.AssertExit(0);
        Assert.That(result.Output, Does.Contain("fpn train shapes.json --out run --resume").And.Contain("Exit codes:").And.Contain("130"));
    }

    private void PutText(string path, string text) => Put(path, Encoding.UTF8.GetBytes(text));

    /// <summary>Asserts that a run doesn't start, reports the reason, and leaves nothing behind.</summary>
    private void AssertRefused(string configuration, string explanation)
    {
        var result = Fpn("train", configuration, "--device", "cpu");

        result.AssertExit(1);
        result.AssertOneError(explanation);
        Assert.That(Directory.Exists(At("run")), Is.False, "no folder is created for a run that can't start");
    }

    private void AssertNotResumed(string explanation)
    {
        var result = Fpn("train", "run.json", "--resume", "--device", "cpu");

        result.AssertExit(1);
        result.AssertOneError(explanation);
        Assert.That(result.Output, Is.Empty);
    }
}
