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
    public void Every_operator_agrees_on_the_cpu()
    {
        var result = Fpn("verify", "--device", "cpu");

        Assert.That(result.ExitCode, Is.Zero, result.Output + result.Error);
        result.AssertExit(0);
        var lines = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(lines[0], Does.Match("^operator +cases +difference +bound"));
        Assert.That(lines, Has.Some.Match(@"^convolution \(Tile\) +\d+ +\d\.\de-\d+ +\d\.\de-\d+ ok *$"));
        Assert.That(lines, Has.Some.Match(@"^the shipped model +1 .* ok *$"));
        Assert.That(lines[1..].Select(line => line.TrimEnd()), Is.All.EndsWith(" ok"));
        Assert.That(lines.Concat(result.Errors), Has.All.Length.LessThanOrEqualTo(80));
        // Another program gets the table; standard error has the device, a sentence for each operator, and how many agree.
        Assert.That(result.Errors[0], Does.EndWith("(cpu)."));
        Assert.That(result.Errors[1], Does.Match(@"^fpn: 1 of \d+: convolution \(Naive\)\.$"));
        Assert.That(result.Errors[^1], Does.Match(@"^fpn: (\d+) of \1 operators agree, \d+ cases\.$"));
        Assert.That(result.Errors, Has.Length.EqualTo(lines.Length - 1 + 2));
    }

    [Test]
    public void Mismatches_and_errors_are_reported_and_the_exit_code_is_1()
    {
        (var code, var lines) = Run(CancellationToken.None, DeviceVerificationTests.Wrong, DeviceVerificationTests.Throwing);
        Assert.That(code, Is.EqualTo(ExitCode.SomethingFailed));
        Assert.That(lines, Has.Some.Match(@"^\W*wrong pool .*2 .*MISMATCH\W*$"));
        Assert.That(lines, Has.Some.Match(@"^\W*throwing .*2 .*ERROR\W*$"));
        Assert.That(lines, Has.Some.StartsWith("wrong pool, [1, 4, 4, 2], "));
        Assert.That(lines, Has.Some.EqualTo("throwing, bad: InvalidOperationException: no kernel"));
        Assert.That(lines, Has.Some.EqualTo("throwing, worse: DllNotFoundException: no driver"));
        Assert.That(lines, Has.Some.EqualTo("throwing, 2 more cases were skipped"));
        Assert.That(lines, Has.Some.EqualTo("0 of 2 operators agree, 4 cases"));
    }

    [Test]
    public void Stopping_shows_what_was_done_so_far()
    {
        (var code, var lines) = Run(new CancellationToken(canceled: true), DeviceVerificationTests.Wrong);
        Assert.That(code, Is.EqualTo(ExitCode.Interrupted));
        Assert.That(lines[1..], Is.EqualTo((string[])["Stopped before 1 of 1 operators. 0 of 0 operators agree, 0 cases", ""]));
    }

    [Test]
    public void An_exception_from_an_interrupted_driver_is_not_a_failure()
    {
        using var source = new CancellationTokenSource();
        var dying = new VerifiedOperator("dying", [new("one", (_, _) =>
        {
            source.Cancel();
            throw new InvalidOperationException("the driver was interrupted");
        })]);
        (var code, var lines) = Run(source.Token, dying);
        Assert.That(code, Is.EqualTo(ExitCode.Interrupted));
        Assert.That(lines, Has.None.StartsWith("dying").And.None.Contains("interrupted"));
        Assert.That(lines, Has.Some.StartsWith("Stopped before 1 of 1 operators. "));
    }

    [Test]
    public void A_case_that_cancels_itself_is_a_failure()
    {
        using var source = new CancellationTokenSource();
        (var code, var lines) = Run(
            source.Token, new VerifiedOperator("odd", [new("one", (_, _) => throw new OperationCanceledException("by whom?"))]));
        Assert.That(code, Is.EqualTo(ExitCode.SomethingFailed));
        Assert.That(lines, Has.Some.EqualTo("odd, one: OperationCanceledException: by whom?"));
    }

    [Test]
    public void The_table_with_borders_fits_80_columns()
    {
        var table = VerifyRun.TableOf([new("convolution (SimdWinograd)", 123, double.PositiveInfinity, 1.2e-10, ["some"], [])]);
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
        Assert.That(text.ToString().Split('\n').Select(line => line.TrimEnd()), Has.All.Length.LessThanOrEqualTo(80));
        Assert.That(Screen.Cut(new string('x', 300)), Has.Length.EqualTo(77));
    }

    [Test]
    public void A_missing_device_is_named()
    {
        var result = Fpn("verify", "--device", "cuda:7");

        result.AssertExit(1);
        result.AssertOneError("cuda:7");
    }

    [TestCase("--device=gpu", "--device is 'gpu'")]
    [TestCase("--frobnicate", "--frobnicate")]
    public void A_wrong_option_is_explained(string option, string explanation)
    {
        var result = Fpn("verify", option);

        result.AssertExit(2);
        result.AssertOneError(explanation);
        Assert.That(result.Error, Does.Contain("fpn verify --help"));
    }

    [Test]
    public void Help_shows_examples_and_exit_codes()
    {
        var result = Fpn("verify", "--help");

        result.AssertExit(0);
        Assert.That(result.Output, Does.Contain("fpn verify --device opencl:1").And.Contain("Exit codes:").And.Contain("--opencl-any"));
    }

    private static (int Code, string[] Lines) Run(CancellationToken stop, params VerifiedOperator[] operators)
    {
        using var verification = new DeviceVerification(() => Device.Open("cpu"), operators);
        var (output, error) = (Console.Out, Console.Error);
        using var written = new StringWriter();
        Console.SetOut(written);
        Console.SetError(written);
        try
        {
            var code = new VerifyRun(verification, new Screen(), stop).Execute();
            return (code, [.. written.ToString().Split('\n').Select(line => line.Replace("fpn: ", "", StringComparison.Ordinal).Trim(' ', '.'))]);
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(error);
        }
    }
}
