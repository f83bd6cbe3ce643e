using System.CommandLine;

using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Cli;

/// <summary><c>fpn weights download</c>: downloads a published model and converts it to the file that detectors load.</summary>
internal static class WeightsDownloadCommand
{
    private const string Notes = """
        Examples:
          fpn weights download fasterrcnn_resnet50_fpn_v2
          fpn detect street.jpg --model fasterrcnn_resnet50_fpn_v2

        An interrupted download resumes where it stopped.

        Environment:
          FPN_CACHE    the folder for downloaded models
          FPN_ZOO_URL  a mirror, https://host/folder, with the publishers' files at
                       their original paths
          HTTPS_PROXY, ALL_PROXY, NO_PROXY  as usual

        Exit codes:
          0    the model is downloaded
          1    the download failed
          2    wrong usage
          130  stopped by Ctrl-C
        """;

    public static Command Create()
    {
        var name = new Argument<string>("NAME") { Description = "The model's name, from 'fpn weights list'." };
        var force = new Option<bool>("--force", "-f") { Description = "Download it again even if it is already downloaded." };
        var command = new Command("download", "Downloads, checks and converts a published model.") { name, force };
        HelpWithExamples.AddTo(command, Notes);
        command.SetAction(parsed => Download(parsed.GetRequiredValue(name), parsed.GetValue(force)));
        return command;
    }

    private static int Download(string name, bool force)
    {
        var screen = new Screen();
        var model = ModelArgument.Named(name);
        using var interruption = new Interruption(
            screen, $"Stopping; run 'fpn weights download {model.Name}{(force ? " --force" : "")}' again to resume.");
        return Download(new ModelDownload(ModelCache.OfUser()), model, force, screen, interruption.Token);
    }

    /// <summary>Downloads a model, and returns the process's exit code.</summary>
    /// <exception cref="Tensors.WeightsException">The download failed.</exception>
    internal static int Download(ModelDownload download, ZooModel model, bool force, Screen screen, CancellationToken stop)
    {
        var line = new DownloadLine(model, screen);
        string path;
        try
        {
            path = download.GetAsync(model, force, line, stop).GetAwaiter().GetResult();
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return ExitCode.Interrupted;
        }
        finally
        {
            line.Finish();
        }
        screen.WriteLine($"{model.Name} {(line.Began ? "is" : "is already")} downloaded: {path}");
        return ExitCode.Done;
    }
}
