using System.Diagnostics;
using System.Globalization;

using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Cli;

/// <summary>A progress line for a download: the bytes received, their rate, and the time left.</summary>
internal sealed class DownloadLine(ZooModel model, Screen screen) : IProgress<ModelDownloadProgress>
{
    private readonly Stopwatch clock = Stopwatch.StartNew();
    private ModelDownloadStage? stage;
    private TimeSpan began;
    private long bytesBefore;

    /// <summary>Whether any progress was reported; if not, the model was already there.</summary>
    public bool Began => stage is not null;

    /// <summary>Shows the progress. The start of the download, and waiting for another process, also get a line that stays.</summary>
    public void Report(ModelDownloadProgress value)
    {
        if (stage != value.Stage)
        {
            if (value.Stage == ModelDownloadStage.Downloading)
            {
                began = clock.Elapsed;
                bytesBefore = value.BytesDone;
            }
            if (Sentence(value, stage is null) is { } sentence)
                screen.WriteLine(sentence);
            stage = value.Stage;
        }
        screen.Progress(value.Stage switch
        {
            ModelDownloadStage.Downloading => Text(value.BytesDone, value.BytesTotal, value.BytesDone - bytesBefore, clock.Elapsed - began),
            ModelDownloadStage.Retrying => "The connection failed; trying again",
            ModelDownloadStage.Checking => "Checking",
            ModelDownloadStage.Converting => "Converting",
            _ => "Waiting",
        });
    }

    /// <summary>Removes the line.</summary>
    public void Finish() => screen.Progress("");

    /// <summary>The line's text during the download.</summary>
    /// <param name="done">Bytes received so far.</param>
    /// <param name="total">Bytes of the file; null if unknown.</param>
    /// <param name="came">Bytes received within <paramref name="time"/>.</param>
    /// <param name="time">The time since the connection was made.</param>
    internal static string Text(long done, long? total, long came, TimeSpan time)
    {
        var text = total is { } all and > 0
            ? string.Create(CultureInfo.InvariantCulture, $"{100 * done / all} %, {done / 1e6:F0} of {all / 1e6:F0} MB")
            : string.Create(CultureInfo.InvariantCulture, $"{done / 1e6:F0} MB");
        // The first half second gives no reliable rate.
        if (came <= 0 || time.TotalSeconds < 0.5)
            return text;
        var rate = came / time.TotalSeconds;
        text += string.Create(CultureInfo.InvariantCulture, $", {rate / 1e6:F1} MB/s");
        return total is null || done >= total
            ? text
            : $"{text}, {ProgressLine.Duration(TimeSpan.FromSeconds((total.Value - done) / rate))} left";
    }

    private string? Sentence(ModelDownloadProgress value, bool first) => value.Stage switch
    {
        ModelDownloadStage.WaitingForOther => $"Another process is downloading {model.Name}; waiting for it.",
        ModelDownloadStage.Downloading when first || stage == ModelDownloadStage.WaitingForOther => Start(value),
        _ => null,
    };

    private string Start(ModelDownloadProgress value)
    {
        var size = value.BytesTotal is { } bytes ? string.Create(CultureInfo.InvariantCulture, $", {bytes / 1e6:F0} MB") : "";
        var on = value.BytesDone > 0
            ? string.Create(CultureInfo.InvariantCulture, $", resuming after {value.BytesDone / 1e6:F0} MB")
            : "";
        return $"Downloading {model.Name} from {model.DownloadUrl().Host}{size}{on} ({model.Licence}).";
    }
}
