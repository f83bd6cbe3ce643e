using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Cli;

/// <summary>One run of <c>fpn weights download</c>.</summary>
/// <param name="download">What gets the file.</param>
/// <param name="screen">Where it is told.</param>
internal sealed class WeightsDownloadRun(ModelDownload download, Screen screen)
{
    /// <summary>Does it all, and returns the process's exit code.</summary>
    /// <exception cref="Tensors.WeightsException">The model could not be had.</exception>
    public int Execute(ZooModel model, bool force, CancellationToken stop)
    {
        var line = new DownloadLine(model, screen);
        try
        {
            var path = download.GetAsync(model, force, line, stop).GetAwaiter().GetResult();
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
