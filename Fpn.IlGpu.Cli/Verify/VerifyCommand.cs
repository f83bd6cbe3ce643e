using System.CommandLine;

using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Verification;

namespace Fpn.IlGpu.Cli;

/// <summary>The command line of <c>fpn verify</c>.</summary>
internal static class VerifyCommand
{
    private const string Examples = """
        Examples:
          fpn verify
              The device that fpn would choose.
          fpn verify --device opencl:1
              Another one that 'fpn devices' lists.

        Each operator runs over small and odd shapes and is held to plain loops on
        the CPU; the shipped model's detections, to those that torchvision finds.
        What differs by more than its bound is named with its shape: please report
        it with the name of the device and the version of its driver.

        Exit codes:
          0    all agrees
          1    something differs or failed
          2    wrong usage
          130  stopped by Ctrl-C
        """;

    public static Command Create()
    {
        var device = DeviceOption.Create();
        var anyOpenCl = DeviceOption.CreateAnyOpenCl();
        var precision = DeviceOption.CreatePrecision();
        var command = new Command("verify", "Checks that a device and its driver compute what they should.")
        {
            device, anyOpenCl, precision,
        };
        HelpWithExamples.AddTo(command, Examples);
        command.SetAction(parsed => Verify(
            parsed.GetRequiredValue(device),
            new DeviceOptions { AllowAnyOpenCl = parsed.GetValue(anyOpenCl), Precision = parsed.GetValue(precision) }));
        return command;
    }

    private static int Verify(string device, DeviceOptions options)
    {
        var screen = new Screen();
        using var interruption = new Interruption(screen, "Stopping after the current case; Ctrl-C again stops at once.");
        try
        {
            using var verification = new DeviceVerification(device, options);
            return new VerifyRun(verification, screen, interruption.Token).Execute();
        }
        catch (DeviceException) when (interruption.Token.IsCancellationRequested)
        {
            // Whoever stops it while the device is being opened does not want to know how that went.
            return ExitCode.Interrupted;
        }
    }
}
