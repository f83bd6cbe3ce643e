using Fpn.IlGpu.Cli;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Cli;

/// <summary>Invalid command lines, names of missing files and devices, help, and the list of devices.</summary>
internal sealed class UsageTests : CommandTest
{
    [TestCase("--frobnicate", "There is no option '--frobnicate'")]
    [TestCase("--modle", "There is no option '--modle' (did you mean '--model'?)")]
    [TestCase("--score", "--score")]
    [TestCase("--score=1.5", "--score is '1.5'")]
    [TestCase("--score=-0.1", "--score is '-0.1'")]
    [TestCase("--score=0,5", "--score is '0,5'")]
    [TestCase("--score=nan", "--score is 'nan'")]
    [TestCase("--device=gpu", "--device is 'gpu'")]
    [TestCase("--device=cuda:x", "--device is 'cuda:x'")]
    [TestCase("--precision=int8", "--precision is 'int8'")]
    [TestCase("--batch=0", "--batch is '0'")]
    [TestCase("--max-pixels=many", "--max-pixels is 'many'")]
    [TestCase("--json=some.png", "some.png")]
    public void A_wrong_option_is_explained(string option, string explanation)
    {
        PutSample("some.png");

        var result = Fpn("detect", "some.png", option);

        result.AssertExit(2);
        result.AssertOneError(explanation);
        Assert.That(result.Error, Does.Contain("fpn detect --help"));
        Assert.That(result.Output, Is.Empty);
        Assert.That(FilesIn("."), Is.EqualTo(["some.png"]));
    }

    [Test]
    public void A_missing_input_or_unknown_command_is_wrong_usage()
    {
        Fpn().AssertExit(2);
        Fpn("detect").AssertExit(2);
        Fpn("detekt", "some.png").AssertExit(2);
    }

    [TestCase("There is no command 'frob'; see 'fpn --help'.", "frob")]
    [TestCase("There is no command 'detekt' (did you mean 'detect'?); see 'fpn --help'.", "detekt", "some.png")]
    [TestCase("There is no command 'lst' (did you mean 'list'?); see 'fpn weights --help'.", "weights", "lst")]
    [TestCase("There is no option '--hlep' (did you mean '--help'?); see 'fpn --help'.", "--hlep")]
    public void An_unknown_command_is_named_with_the_nearest_one(string sentence, params string[] arguments)
    {
        var result = Fpn(arguments);

        result.AssertExit(2);
        Assert.That(result.Error.TrimEnd(), Is.EqualTo($"fpn: {sentence}"));
    }

    [TestCase("min_sze", "(did you mean 'min_size'?); 'fpn weights keys' lists all of them")]
    [TestCase("frobnicate", "There is no configuration key 'frobnicate'; 'fpn weights keys' lists all of them")]
    public void An_unknown_key_is_named_with_the_nearest_one(string key, string sentence)
    {
        PutSample("a.png");

        var result = Fpn("detect", "a.png", "--no-pictures", "--set", $"{key}=64");

        result.AssertExit(1);
        result.AssertOneError(sentence);
    }

    [Test]
    public void Every_key_is_listed_with_its_default_and_meaning()
    {
        var result = Fpn("weights", "keys");

        result.AssertExit(0);
        Assert.That(result.Output, Does.Contain("min_size, max_size").And.Contain("800, 1333").And.Not.Contain("`"));
        var listed = WeightsKeysCommand.Rows().SelectMany(row => row.Keys.Split(", "));
        Assert.That(listed, Is.EquivalentTo(ModelConfigurationJson.Keys));
    }

    [Test]
    public void A_model_that_needs_proposals_is_wrong_usage()
    {
        PutSample("a.png");

        var result = Fpn("detect", "a.png", "--set", "detector=fast-rcnn");

        result.AssertExit(2);
        result.AssertOneError("is a Fast R-CNN, which needs proposals: evaluate it with 'fpn eval --from-proposals'");
        Assert.That(FilesIn("."), Is.EqualTo(["a.png"]));
    }

    [Test]
    public void A_quiet_command_prints_errors_only()
    {
        PutSample("a.png");

        var result = Fpn("detect", "a.png", "missing.png", "--quiet");

        result.AssertExit(1);
        result.AssertOneError("missing.png");
        Assert.That(result.Output, Is.Empty);
        Assert.That(FilesIn("detections"), Is.EqualTo(["a.png"]));
    }

    [Test]
    public void A_verbose_command_prints_what_a_report_needs()
    {
        var result = Fpn("detect", "missing.png", "--verbose");

        Assert.That(result.ExitCode, Is.EqualTo(1));
        Assert.That(result.Errors[0], Does.StartWith("fpn: fpn 0.").And.Contains(".NET "));
    }

    [TestCase("fpn det", "detect")]
    [TestCase("fpn weights li", "list")]
    [TestCase("fpn detect --mod", "--model")]
    public void A_shell_is_told_how_to_complete_a_line(string line, string completed)
    {
        var result = FpnProcess.Run(Folder, $"[suggest:{line.Length}]", line);

        result.AssertExit(0);
        Assert.That(result.Output.Split('\n').Select(word => word.Trim()), Does.Contain(completed));
    }

    [TestCase("bash")]
    [TestCase("zsh")]
    [TestCase("fish")]
    [TestCase("pwsh")]
    public void A_script_for_a_shell_asks_the_command(string shell)
        => Assert.That(Fpn("completion", shell).Output, Does.Contain("fpn \"[suggest:"));

    [Test]
    public void A_missing_model_is_named()
    {
        PutSample("a.png");

        var result = Fpn("detect", "a.png", "--model", "no-such.safetensors");

        result.AssertExit(1);
        result.AssertOneError("no-such.safetensors");
    }

    [Test]
    public void A_truncated_model_is_named()
    {
        PutSample("a.png");
        using var shipped = typeof(FasterRcnn).Assembly.GetManifestResourceStream("shapes-fpn.safetensors")!;
        var half = new byte[shipped.Length / 2];
        shipped.ReadExactly(half);
        Put("half.safetensors", half);

        var result = Fpn("detect", "a.png", "--model", "half.safetensors");

        result.AssertExit(1);
        result.AssertOneError("half.safetensors");
    }

    [Test]
    public void A_missing_device_is_named()
    {
        PutSample("a.png");

        var result = Fpn("detect", "a.png", "--device", "cuda:7");

        result.AssertExit(1);
        result.AssertOneError("cuda:7");
    }

    [Test]
    public void A_precision_that_the_device_lacks_is_explained()
    {
        PutSample("a.png");

        var result = Fpn("detect", "a.png", "--device", "cpu", "--precision", "fp16");

        result.AssertExit(1);
        result.AssertOneError("tensor cores");
    }

    [Test]
    public void Devices_lists_the_cpu_and_one_default()
    {
        var result = Fpn("devices");

        result.AssertExit(0);
        var lines = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(lines[0], Does.Match("^device +kind +name +memory"));
        Assert.That(lines, Has.Some.Match("^cpu +CPU +"));
        Assert.That(lines.Count(line => line.TrimEnd().EndsWith(" default", StringComparison.Ordinal)), Is.EqualTo(1));
    }

    [Test]
    public void Help_shows_examples_and_exit_codes()
    {
        var result = Fpn("detect", "--help");

        result.AssertExit(0);
        Assert.That(result.Output, Does.Contain("fpn detect samples").And.Contain("Exit codes:").And.Contain("--opencl-any"));
    }

    [Test]
    public void Version_is_a_number()
    {
        Assert.That(Fpn("--version").Output.Trim(), Does.Match(@"^\d+\.\d+\.\d+$"));
    }
}
