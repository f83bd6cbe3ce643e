using Fpn.IlGpu.Cli;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tests.Verification;
using Fpn.IlGpu.Verification;

using Spectre.Console;

namespace Fpn.IlGpu.Tests.Cli;

/// <summary><c>fpn verify</c>.</summary>
internal sealed class VerifyTests : CommandTest
{
    [Test]
    public void All_agrees_on_the_cpu()
    {
        FpnResult result = Fpn("verify", "--device", "cpu");

        Assert.That(result.ExitCode, Is.Zero, result.Output + result.Error);
        string[] lines = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(lines[0], Does.Contain("(cpu)"));
        Assert.That(lines[1], Does.Match("^operator +cases +difference +bound"));
        Assert.That(lines, Has.Some.Match(@"^convolution \(Tile\) +\d+ +\d\.\de-\d+ +\d\.\de-\d+ ok *$"));
        Assert.That(lines, Has.Some.Match(@"^the shipped model +1 .* ok *$"));
        Assert.That(lines[2..^1].Select(line => line.TrimEnd()), Is.All.EndsWith(" ok"));
        Assert.That(lines[^1], Does.Match(@"^(\d+) of \1 operators agree, \d+ cases\.$"));
        Assert.That(lines.Concat(result.Errors), Has.All.Length.LessThanOrEqualTo(80));
        Assert.That(result.Errors[0], Does.StartWith("1 of "), "a plain line for each operator");
        Assert.That(result.Errors, Has.Length.EqualTo(lines.Length - 3));
    }

    [Test]
    public void What_differs_or_fails_is_told_and_the_exit_code_is_1()
    {
        using var verification = new DeviceVerification(
            () => Device.Open("cpu"), [DeviceVerificationTests.Wrong, DeviceVerificationTests.Throwing]);
        TextWriter output = Console.Out;
        using var written = new StringWriter();
        Console.SetOut(written);
        try
        {
            int code = new VerifyRun(verification, new Screen(), CancellationToken.None).Execute();
            Assert.That(code, Is.EqualTo(ExitCode.SomethingFailed));
        }
        finally
        {
            Console.SetOut(output);
        }
        string[] lines = [.. written.ToString().Split('\n').Select(line => line.Trim())];
        Assert.That(lines, Has.Some.Match(@"^\W*wrong pool .*2 .*MISMATCH\W*$"));
        Assert.That(lines, Has.Some.Match(@"^\W*throwing .*1 .*ERROR\W*$"));
        Assert.That(lines, Has.Some.StartsWith("wrong pool, [1, 4, 4, 2], "));
        Assert.That(lines, Has.Some.EqualTo("throwing, bad: InvalidOperationException: no kernel"));
        Assert.That(lines, Has.Some.EqualTo("0 of 2 operators agree, 3 cases."));
    }

    [Test]
    public void Stopping_shows_what_was_done()
    {
        using var verification = new DeviceVerification(() => Device.Open("cpu"), [DeviceVerificationTests.Wrong]);
        int code = new VerifyRun(verification, new Screen(quiet: true), new CancellationToken(canceled: true)).Execute();
        Assert.That(code, Is.EqualTo(ExitCode.Interrupted));
    }

    [Test]
    public void The_table_with_its_lines_fits_80_columns()
    {
        Table table = VerifyRun.TableOf([new("convolution (SimdWinograd)", 123, double.PositiveInfinity, 1.2e-10, ["some"], null)]);
        table.Border = TableBorder.Rounded;
        var text = new StringWriter();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Out = new AnsiConsoleOutput(text),
        });
        console.Profile.Width = 1000;
        console.Write(table);
        Assert.That(text.ToString().Split('\n').Select(line => line.TrimEnd()), Has.All.Length.LessThanOrEqualTo(80));
        Assert.That(Screen.Cut(new string('x', 300)), Has.Length.EqualTo(79));
    }

    [Test]
    public void A_device_that_is_not_there_is_named()
    {
        FpnResult result = Fpn("verify", "--device", "cuda:7");

        result.AssertExit(1);
        result.AssertOneError("cuda:7");
    }

    [TestCase("--device=gpu", "--device is 'gpu'")]
    [TestCase("--frobnicate", "--frobnicate")]
    public void A_wrong_option_is_explained(string option, string explanation)
    {
        FpnResult result = Fpn("verify", option);

        result.AssertExit(2);
        result.AssertOneError(explanation);
        Assert.That(result.Error, Does.Contain("fpn verify --help"));
    }

    [Test]
    public void Help_shows_examples_and_exit_codes()
    {
        FpnResult result = Fpn("verify", "--help");

        result.AssertExit(0);
        Assert.That(result.Output, Does.Contain("fpn verify --device opencl:1").And.Contain("Exit codes:").And.Contain("--opencl-any"));
    }
}
