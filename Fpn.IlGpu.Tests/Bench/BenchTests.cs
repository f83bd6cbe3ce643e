using System.Diagnostics;
using System.Text.Json.Nodes;
using Fpn.IlGpu.Bench;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Tests.Bench;

/// <summary>Checks that the bench's commands work and report what they measured, never how long anything took.</summary>
public sealed class BenchTests
{
    private string folder = "";

    [SetUp]
    public void MakeFolder() => folder = Directory.CreateTempSubdirectory("fpn-bench-test-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(folder, recursive: true);

    [Test]
    public void A_table_is_Markdown_and_aligned()
    {
        var table = new MarkdownTable("layer", "ms");
        table.Add("3×3", MarkdownTable.Number(12.345));
        table.Add("a longer one", MarkdownTable.Number(null));
        using var text = new StringWriter { NewLine = "\n" };
        table.Write(text);
        Assert.That(text.ToString(), Is.EqualTo("""
            | layer        |   ms |
            | ------------ | ---: |
            | 3×3          | 12.3 |
            | a longer one |      |

            """));
        Assert.That(() => table.Add("too few"), Throws.ArgumentException);
    }

    [TestCase(3120.4, "3120")]
    [TestCase(99.96, "100")]
    [TestCase(9.996, "10.0")]
    [TestCase(0.9996, "1.00")]
    [TestCase(0.0123, "0.012")]
    [TestCase(0, "0")]
    public void Numbers_are_rounded_to_about_three_digits(double number, string expected)
        => Assert.That(MarkdownTable.Number(number), Is.EqualTo(expected));

    [TestCase(new double[] { 3, 1, 2 }, 2)]
    [TestCase(new double[] { 4, 1, 3, 2 }, 2.5)]
    [TestCase(new double[] { 7 }, 7)]
    public void The_median_is_the_middle_value(double[] values, double expected) => Assert.That(Timing.Median(values), Is.EqualTo(expected));

    [TestCase("800x1333", 800, 1333)]
    [TestCase("32x8192", 32, 8192)]
    public void A_size_is_height_and_width(string text, int height, int width)
        => Assert.That(PictureSize.Of(text), Is.EqualTo(new PictureSize(height, width)));

    [TestCase("800")]
    [TestCase("800x")]
    [TestCase("800x1333x3")]
    [TestCase("31x100")]
    [TestCase("-800x100")]
    [TestCase("8193x100")]
    public void Other_texts_are_not_sizes(string text) => Assert.That(PictureSize.Of(text), Is.Null);

    [Test]
    public void Detect_reports_every_stage_and_the_machine()
    {
        var (code, output, error) = Run("detect", "--model", "shipped", "--size", "96x128", "--runs", "2", "--json", "d.json");
        Assert.That(code, Is.Zero, error);
        Assert.That(output, Does.Contain("first, from process start").And.Contain("RoI features").And.Contain("Results: d.json"));

        var results = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "d.json")))!;
        Assert.That((string?)results["command"], Is.EqualTo("detect"));
        Assert.That((int)results["machine"]!["cores"]!, Is.EqualTo(Environment.ProcessorCount));
        Assert.That((string?)results["versions"]!["ilgpu"], Is.Not.Empty);
        var detect = results["detect"]!;
        Assert.That(detect["ms"]!.AsArray(), Has.Count.EqualTo(2));
        Assert.That(detect["first_ms"]!.AsArray().Select(ms => (double)ms!), Has.All.Positive);
        Assert.That((double)detect["peak_flops"]!, Is.Positive);
        Assert.That(detect["stages"]!.AsArray().Select(s => (string?)s!["name"]), Does.Contain("backbone").And.Contain("postprocess"));
        Assert.That(detect["stages"]!.AsArray().Sum(s => (double)s!["flop"]!), Is.EqualTo((double)detect["flop"]!));
        Assert.That(detect["peer"], Is.Null);
    }

    [Test]
    public void Pyramid_compares_FPN_with_the_detector_on_C4()
    {
        var (code, output, error) = Run("pyramid", "--size", "32x32", "--runs", "1", "--json", "p.json");
        Assert.That(code, Is.Zero, error);
        Assert.That(output, Does.Contain("R50-FPN").And.Contain("R50-C4").And.Contain("0.32"));

        var models = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "p.json")))!["models"]!.AsArray();
        Assert.That(models.Select(model => (string?)model!["model"]), Is.EqualTo((string[])["r50", "r50-c4", "r50-c4"]));
        Assert.That((double)models[1]!["flop"]!, Is.GreaterThan((double)models[0]!["flop"]!), "conv5 runs in each region");
    }

    [Test]
    public void The_ladder_has_every_form_of_the_layer()
    {
        var (code, output, error) = Run("ladder", "--only", "fc7", "--runs", "1", "--json", "l.json");
        Assert.That(code, Is.Zero, error);

        var results = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "l.json")))!;
        var layer = results["layers"]!.AsArray().Single()!;
        using var device = Device.Open("cpu");
        var forms = ConvolutionForms.Ladder(device, ConvolutionGeometry.Product(1024, 1024)).Select(form => form.ToString()).ToArray();
        Assert.That(layer["flops"]!.AsObject().Select(rate => rate.Key), Is.EqualTo(forms));
        Assert.That(layer["flops"]!.AsObject().Select(rate => (double)rate.Value!), Has.All.Positive);
        Assert.That(forms.All(output.Contains), output);
        Assert.That(output, Does.Contain("no GPU").And.Contain("RegisterTile"), "what the figures mean");
    }

    [Test]
    public void Gradients_reports_every_pass_of_a_training_step()
    {
        var (code, output, error) = Run("gradients", "--only", "3x3 8×10", "--runs", "1", "--json", "g.json");
        Assert.That(code, Is.Zero, error);
        Assert.That(output, Does.Contain("| all "));

        var layers = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "g.json")))!["layers"]!.AsArray();
        Assert.That(layers.Select(layer => (string?)layer!["layer"]), Is.EqualTo(
            (string[])["C5 3×3 8×10×10 256→256", "FPN, RPN 3×3 8×10×10 96→96"]));
        foreach (var layer in layers)
        {
            var ms = layer!["ms"]!.AsObject();
            Assert.That(ms.Select(pass => pass.Key), Is.EqualTo((string[])["pack", "forward", "data", "weights"]));
            Assert.That(ms.Select(pass => (double)pass.Value!), Has.All.Positive);
        }
    }

    [Test]
    public void Errors_are_reported_in_one_sentence()
    {
        var missing = Run("detect", "--peer", "torchvision", "--python", Path.Combine(folder, "no-python"));
        Assert.That(missing.Code, Is.EqualTo(1));
        Assert.That(missing.Error, Does.StartWith("bench: The peer needs Python").And.Contain("--python"));

        var none = Run("detect", "--model", "no-such-file");
        Assert.That((none.Code, none.Error.Trim()), Is.EqualTo(
            (1, "bench: There is no file 'no-such-file'; --model must be r50, r50-c4, shipped or a checkpoint.")));
    }

    [Test]
    public void The_multiply_adds_of_R50_FPN_layers_equal_what_the_kernels_count()
    {
        using var device = Device.Open("cpu");
        foreach (var shape in LayerShape.R50Fpn.Where(shape => shape.MultiplyAdds < 500_000_000))
        {
            using var run = new LayerRun(device, shape, form: null);
            Assert.That(run.MultiplyAdds, Is.EqualTo(shape.MultiplyAdds), shape.Title);
        }
    }

    private (int Code, string Output, string Error) Run(params string[] arguments)
    {
        var start = new ProcessStartInfo(
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
            [Path.Combine(AppContext.BaseDirectory, "Fpn.IlGpu.Bench.dll"), .. arguments])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Remove("FPN_BENCH_DEVICE");
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }
}
