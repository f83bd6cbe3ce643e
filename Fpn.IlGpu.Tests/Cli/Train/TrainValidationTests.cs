using System.Text;

namespace Fpn.IlGpu.Tests.Cli;

/// <summary><c>fpn train</c> with validation.</summary>
internal sealed class TrainValidationTests : CommandTest
{
    [Test]
    public void A_run_whose_figure_does_not_improve_ends_with_a_sentence_and_keeps_its_best_model()
    {
        // Nothing changes, so that no validation is better than the first one.
        var json = TinyTraining.Json(steps: 50, checkpointEvery: 10, ", \"learning_rate\": 1e-12, \"weight_decay\": 0")
            .Replace("\"rpn\"", "\"validation\": { \"share\": 0.25, \"every\": 2, \"patience\": 2 }, \"rpn\"", StringComparison.Ordinal)
            .Replace("\"layout\"", "\"batch_norm\": \"frozen\", \"layout\"", StringComparison.Ordinal);
        Put("run.json", Encoding.UTF8.GetBytes(json));

        var result = Fpn("train", "run.json", "--device", "cpu");

        result.AssertExit(0);
        Assert.That(result.Error, Is.Empty);
        var lines = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(lines[0], Does.EndWith("7 classes, 6 pictures and 2 to validate"));
        Assert.That(lines[1], Does.StartWith("step 2: loss "));
        Assert.That(lines[2], Does.Match(@"^step 2: AP 0\.\d{3}, AP50 0\.\d{3}; the best so far$"));
        Assert.That(lines[6], Does.Match(@"^step 6: AP 0\.\d{3}, AP50 0\.\d{3}; the best is 0\.\d{3} after step 2$"));
        Assert.That(lines[7], Is.EqualTo("AP has not improved in the last 2 validations, so the run ends after step 6 of 50."));
        Assert.That(lines[8], Does.StartWith("The best model, with AP 0.").And.EndsWith($"after step 2: {Path.Combine("run", "best.safetensors")}"));
        Assert.That(lines[9], Does.StartWith("Trained in "));
        Assert.That(
            FilesIn("run"), Is.EqualTo(["best.safetensors", "checkpoint.safetensors", "model.safetensors", "training.csv", "training.svg"]));
        Assert.That(File.ReadAllText(At("run/training.svg")), Does.Contain(">AP50<"));
        Assert.That(File.ReadLines(At("run/training.csv")).First(), Does.EndWith(",learning_rate,AP,AP50,seconds"));
    }
}
