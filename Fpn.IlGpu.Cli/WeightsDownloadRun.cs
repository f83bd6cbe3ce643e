using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Cli;

/// <summary>One run of <c>fpn weights download</c>.</summary>
/// <param name="download">What gets the file.</param>
/// <param name="convert">Reads the publisher's file of a model, the first path, and writes the second.</param>
/// <param name="screen">Where it is told.</param>
internal sealed class WeightsDownloadRun(ModelDownload download, Action<ZooModel, string, string> convert, Screen screen)
{
    /// <summary>Does it all, and returns the process's exit code.</summary>
    /// <exception cref="Tensors.WeightsException">The model could not be had.</exception>
    public int Execute(ZooModel model, bool force, CancellationToken stop)
    {
        var line = new DownloadLine(model, screen);
        try
        {
            string path = download.GetAsync(
                model, (published, output) => convert(model, published, output), force, line, stop).GetAwaiter().GetResult();
            line.Finish();
            screen.WriteLine(line.Began ? $"{model.Name} is here now: {path}" : $"{model.Name} is here already: {path}");
            return ExitCode.Done;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return ExitCode.Interrupted;
        }
        finally
        {
            line.Finish();
        }
    }
}
