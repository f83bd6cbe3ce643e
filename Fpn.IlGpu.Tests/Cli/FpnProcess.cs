using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Fpn.IlGpu.Tests.Cli;

/// <summary>Runs the built command as users do: as a separate process, in a folder of the test.</summary>
internal sealed partial class FpnProcess : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly Process process;
    private readonly Task<string> output;
    private readonly Task<string> error;

    private FpnProcess(string folder, IEnumerable<KeyValuePair<string, string?>> environment, string[] arguments)
    {
        // The build copies the command to the tests' folder, because the tests reference its project.
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "fpn.dll"));
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        // Profile-guided optimisation pays off only in long runs.
        start.Environment["DOTNET_TieredPGO"] = "0";
        // Asks for colours as a terminal does: redirected output must stay plain even so.
        start.Environment.Remove("NO_COLOR");
        start.Environment["TERM"] = "xterm-256color";
        foreach ((var name, var value) in environment)
            start.Environment[name] = value;
        process = Process.Start(start)!;
        process.StandardInput.Close();
        output = process.StandardOutput.ReadToEndAsync();
        error = process.StandardError.ReadToEndAsync();
    }

    public bool HasExited => process.HasExited;

    /// <summary>The exit code of a process that has exited; a killed one's is not 0.</summary>
    public int ExitCode => process.ExitCode;

    public static FpnProcess Start(string folder, params string[] arguments) => new(folder, [], arguments);

    /// <summary>Starts the command with further environment variables; null removes one.</summary>
    public static FpnProcess Start(
        string folder, IEnumerable<KeyValuePair<string, string?>> environment, params string[] arguments)
        => new(folder, environment, arguments);

    public static FpnResult Run(string folder, params string[] arguments)
    {
        using var process = Start(folder, arguments);
        return process.Finish();
    }

    /// <summary>Runs the command with further environment variables; null removes one.</summary>
    public static FpnResult Run(string folder, IEnumerable<KeyValuePair<string, string?>> environment, params string[] arguments)
    {
        using var process = Start(folder, environment, arguments);
        return process.Finish();
    }

    /// <summary>Sends a signal, such as 2 (SIGINT), which Ctrl-C sends. Not on Windows.</summary>
    public void Signal(int number) => Assert.That(Kill(process.Id, number), Is.Zero, "the signal could not be sent");

    /// <summary>Kills the process (SIGKILL), so that it can't clean up, and waits for its end.</summary>
    public void Kill()
    {
        process.Kill(entireProcessTree: true);
        process.WaitForExit();
    }

    public FpnResult Finish()
    {
        if (!process.WaitForExit(Patience))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"fpn did not end within {Patience.TotalSeconds} s; it had written: {output.Result}{error.Result}");
        }
        return new FpnResult(process.ExitCode, output.GetAwaiter().GetResult(), error.GetAwaiter().GetResult());
    }

    public void Dispose()
    {
        if (!process.HasExited)
            process.Kill(entireProcessTree: true);
        process.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}

/// <summary>The exit code and output of a run of the command.</summary>
internal sealed record FpnResult(int ExitCode, string Output, string Error)
{
    public string[] Errors => Error.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Asserts the exit code, and that every error is one sentence on one line, with no stack trace.</summary>
    public void AssertExit(int expected)
    {
        Assert.Multiple(() =>
        {
            Assert.That(ExitCode, Is.EqualTo(expected), $"standard error: {Error}");
            Assert.That(Errors, Has.All.StartsWith("fpn: ").And.All.EndsWith("."));
            Assert.That(Error, Does.Not.Contain("unexpected"));
        });
    }

    /// <summary>Asserts that there is one error, which names <paramref name="what"/>.</summary>
    public void AssertOneError(string what)
    {
        Assert.That(Errors, Has.Length.EqualTo(1), Error);
        Assert.That(Error, Does.Contain(what));
    }
}
