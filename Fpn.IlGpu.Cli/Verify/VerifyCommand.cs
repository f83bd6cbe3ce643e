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
              Checks the default device.
          fpn verify --device opencl:1
              Checks another device that 'fpn devices' lists.

        Each operator runs on small and odd shapes and is compared with plain loops
        on the CPU; the shipped model's detections are compared with torchvision's.
        Each difference above its bound is listed with its shape. Please report it,
        with the name of the device and the version of its driver.

        Exit codes:
          0    everything agrees
          1    something differs or failed
          2    wrong usage
          130  stopped by Ctrl-C
        """;

    public static Command Create()
    {
        var device = DeviceOption.Create();
        var anyOpenCl = DeviceOption.CreateAnyOpenCl();
        var precision = DeviceOption.CreatePrecision();
        var command = new Command("verify", "Checks that a device and its driver compute correct results.")
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
        using var interruption = new Interruption(screen, "Stopping after the current case; press Ctrl-C again to stop now.");
        try
        {
            using var verification = new DeviceVerification(device, options);
            return new VerifyRun(verification, screen, interruption.Token).Execute();
        }
        catch (DeviceException) when (interruption.Token.IsCancellationRequested)
        {
            // A user who stops the command while the device is being opened does not need to see why opening failed.
            return ExitCode.Interrupted;
        }
    }
}
