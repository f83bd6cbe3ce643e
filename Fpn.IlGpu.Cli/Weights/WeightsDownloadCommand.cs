using System.CommandLine;

using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Cli;

/// <summary><c>fpn weights download</c>: gets a published model and turns it into the file that detectors load.</summary>
internal static class WeightsDownloadCommand
{
    private const string Notes = """
        Examples:
          fpn weights download fasterrcnn_resnet50_fpn_v2
          fpn detect street.jpg --model fasterrcnn_resnet50_fpn_v2

        A download that broke off goes on where it stopped.

        Environment:
          FPN_CACHE    the folder where models are kept
          FPN_ZOO_URL  a mirror, https://host/folder, that has the publishers' files
                       under their paths
          HTTPS_PROXY, ALL_PROXY, NO_PROXY  as usual

        Exit codes:
          0    the model is here
          1    it could not be had
          2    wrong usage
          130  stopped by Ctrl-C
        """;

    public static Command Create()
    {
        var name = new Argument<string>("NAME") { Description = "Which model, as 'fpn weights list' names it." };
        var force = new Option<bool>("--force", "-f") { Description = "Download it even if it is here." };
        var command = new Command("download", "Downloads a published model, checks it, and converts it.") { name, force };
        HelpWithExamples.AddTo(command, Notes);
        command.SetAction(parsed => Download(parsed.GetRequiredValue(name), parsed.GetValue(force)));
        return command;
    }

    private static int Download(string name, bool force)
    {
        var screen = new Screen();
        var model = ModelArgument.Named(name);
        using var interruption = new Interruption(
            screen, $"Stopping; 'fpn weights download {model.Name}{(force ? " --force" : "")}' goes on from here.");
        var download = new ModelDownload(ModelCache.OfUser());
        return new WeightsDownloadRun(download, screen).Execute(model, force, interruption.Token);
    }
}
