using Fpn.IlGpu.Cli;
using Fpn.IlGpu.Weights;

using Spectre.Console;

namespace Fpn.IlGpu.Tests.Cli;

/// <summary><c>fpn weights list</c>, and <c>--model</c> with a name from it.</summary>
internal sealed class WeightsListTests : CommandProcessTest
{
    private const string Name = "maskrcnn_resnet50_fpn_v2";

    private Dictionary<string, string?> Environment => new() { ["FPN_CACHE"] = At("cache") };

    [Test]
    public void All_models_are_listed_and_cached_ones_are_marked()
    {
        Put($"cache/{Name}.safetensors", [1]);

        var result = FpnProcess.Run(Folder, Environment, "weights", "list");

        result.AssertExit(0);
        var lines = result.Output.Split('\n').Select(line => line.TrimEnd()).ToArray();
        foreach (var model in ModelZoo.All)
        {
            string line = lines.Single(line => line.Split(' ')[0] == model.Name);
            Assert.That(line.EndsWith(" yes", StringComparison.Ordinal), Is.EqualTo(model.Name == Name), line);
        }
        Assert.That(lines, Has.Some.Match($"^{Name} +47.4 +41.8 +186 yes$"));
        Assert.That(lines, Has.Some.Match("^resnet50 +76.1 +103$"));
        Assert.That(lines, Has.Some.Match("^detectron2_rpn_R_50_FPN_1x +AR 58.0$"));
        Assert.That(result.Output, Does.Contain("CC BY-SA 3.0").And.Contain("BSD-3-Clause").And.Contain("COCO val2017"));
        Assert.That(result.Output, Does.Contain($"Downloaded models are in {At("cache")}."));
        Assert.That(lines.Where(line => !line.Contains(Folder, StringComparison.Ordinal)), Has.All.Length.LessThanOrEqualTo(80));
    }

    [Test]
    public void The_table_with_borders_fits_80_columns()
    {
        foreach (var models in ModelZoo.All.GroupBy(model => model.IsBackbone))
        {
            var table = WeightsListCommand.TableOf([.. models], _ => true);
            table.Border = TableBorder.Rounded;
            var text = new StringWriter();
            var console = AnsiConsole.Create(new AnsiConsoleSettings
            {
                Ansi = AnsiSupport.No,
                ColorSystem = ColorSystemSupport.NoColors,
                Out = new AnsiConsoleOutput(text),
            });
            console.Profile.Width = 1000;
            console.Write(table);

            var lines = text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.That(lines, Has.Length.EqualTo(models.Count() + 4));
            Assert.That(lines.Select(line => line.TrimEnd()), Has.All.Length.LessThanOrEqualTo(80));
        }
    }

    [Test]
    public void A_model_by_name_is_read_from_the_cache()
    {
        PutSample("a.png");
        Put("cache/fasterrcnn_resnet50_fpn.safetensors", Shipped());

        var result = FpnProcess.Run(Folder, Environment, "detect", "a.png", "--no-pictures", "--model", "fasterrcnn_resnet50_fpn");

        result.AssertExit(0);
        Assert.That(result.Output, Does.Contain("model fasterrcnn_resnet50_fpn").And.Contain("1 picture, "));
    }

    [Test]
    public void A_backbone_by_name_does_not_detect()
    {
        PutSample("a.png");

        var result = FpnProcess.Run(Folder, Environment, "detect", "a.png", "--model", "ResNet50");

        result.AssertExit(1);
        result.AssertOneError("'resnet50' is a backbone, which can't detect: a detector is trained from it ('network.weights'");
    }

    [Test]
    public void A_file_named_like_a_model_takes_precedence()
    {
        PutSample("a.png");
        Put(Name, Shipped());

        FpnProcess.Run(Folder, Environment, "detect", "a.png", "--no-pictures", "--model", Name).AssertExit(0);
    }

    [Test]
    public void For_a_model_that_is_not_cached_the_error_names_the_download_command()
    {
        PutSample("a.png");

        var result = FpnProcess.Run(Folder, Environment, "detect", "a.png", "--model", Name);

        result.AssertExit(1);
        result.AssertOneError($"run 'fpn weights download {Name}'");
        Assert.That(FilesIn("."), Is.EqualTo(["a.png"]));
    }

    [TestCase("maskrcnn_resnet50_fpn_v3", "'maskrcnn_resnet50_fpn_v2'")]
    [TestCase("no/such.safetensors", "There is no file 'no/such.safetensors'")]
    public void For_an_unknown_model_the_error_names_the_list_command(string name, string hint)
    {
        PutSample("a.png");

        var result = FpnProcess.Run(Folder, Environment, "detect", "a.png", "--model", name);

        result.AssertExit(1);
        result.AssertOneError(hint);
        Assert.That(result.Error, Does.Contain("fpn weights list"));
    }

    private static byte[] Shipped()
    {
        using var shipped = typeof(ModelZoo).Assembly.GetManifestResourceStream("shapes-fpn.safetensors")!;
        var bytes = new byte[shipped.Length];
        shipped.ReadExactly(bytes);
        return bytes;
    }
}
