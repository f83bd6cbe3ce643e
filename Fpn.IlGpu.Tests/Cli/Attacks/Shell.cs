using System.Diagnostics;

namespace Fpn.IlGpu.Tests.Cli;

/// <summary>Runs the built command within a line for the shell, which can close its streams, cut its pipes and limit it.</summary>
internal static class Shell
{
    /// <summary>Runs a line. In it, FPN stands for the command, and the exit code is that of the line's last command.</summary>
    public static FpnResult Run(string folder, string line)
    {
        var dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        var fpn = $"'{dotnet}' '{Path.Combine(AppContext.BaseDirectory, "fpn.dll")}'";
        using var shell = Process.Start(new ProcessStartInfo("sh", ["-c", line.Replace("FPN", fpn, StringComparison.Ordinal)])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var output = shell.StandardOutput.ReadToEndAsync();
        var error = shell.StandardError.ReadToEndAsync();
        if (!shell.WaitForExit(TimeSpan.FromMinutes(3)))
        {
            shell.Kill(entireProcessTree: true);
            Assert.Fail($"'{line}' did not end; it had written: {output.Result}{error.Result}");
        }
        return new FpnResult(shell.ExitCode, output.Result, error.Result);
    }
}
