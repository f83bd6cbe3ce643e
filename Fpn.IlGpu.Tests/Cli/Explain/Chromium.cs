using System.Diagnostics;

namespace Fpn.IlGpu.Tests.Cli;

/// <summary>A browser without a window, which runs a page and returns what became of it.</summary>
internal static class Chromium
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome"];

    private static readonly string? Program = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .SelectMany(folder => Names.Select(name => Path.Combine(folder, name))).FirstOrDefault(File.Exists);

    /// <summary>Skips the test where there is no Chromium.</summary>
    public static void SkipWhereMissing()
    {
        if (Program is null)
            Assert.Ignore($"This machine has no Chromium ({string.Join(", ", Names)}).");
    }

    /// <summary>Opens a page, and returns its document after its scripts have run, and what they wrote to the console.</summary>
    /// <param name="path">The page's file.</param>
    /// <param name="profile">A folder for the browser's own files.</param>
    public static (string Document, string Console) Open(string path, string profile)
    {
        SkipWhereMissing();
        var start = new ProcessStartInfo(Program!) { RedirectStandardOutput = true, RedirectStandardError = true };
        string[] arguments =
        [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", $"--user-data-dir={profile}", "--enable-logging=stderr", "--dump-dom",
            new Uri(path).AbsoluteUri,
        ];
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        if (!process.WaitForExit(Patience))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"Chromium did not end within {Patience.TotalSeconds} s.");
        }
        var console = error.GetAwaiter().GetResult().Split('\n').Where(line => line.Contains("CONSOLE", StringComparison.Ordinal));
        return (output.GetAwaiter().GetResult(), string.Join('\n', console));
    }
}
