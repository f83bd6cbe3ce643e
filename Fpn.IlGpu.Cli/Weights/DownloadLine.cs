using System.Diagnostics;
using System.Globalization;

using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Cli;

/// <summary>How much of a model has come, how fast, and how long the rest will take.</summary>
internal sealed class DownloadLine(ZooModel model, Screen screen) : IProgress<ModelDownloadProgress>
{
    private readonly Stopwatch clock = Stopwatch.StartNew();
    private ModelDownloadStage? stage;
    private TimeSpan began;
    private long bytesBefore;

    /// <summary>Whether there was anything to do.</summary>
    public bool Began => stage is not null;

    /// <summary>Shows it; each step of the work that may take long also gets a line that stays.</summary>
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

    /// <summary>Takes the line away.</summary>
    public void Finish() => screen.Progress("");

    /// <summary>The line's text while bytes come in.</summary>
    /// <param name="done">Bytes that are there.</param>
    /// <param name="total">Bytes of the file; null where that isn't known.</param>
    /// <param name="came">Bytes that came within <paramref name="time"/>.</param>
    /// <param name="time">Since the connection was made.</param>
    internal static string Text(long done, long? total, long came, TimeSpan time)
    {
        var text = total is { } all and > 0
            ? string.Create(CultureInfo.InvariantCulture, $"{100 * done / all} %, {done / 1e6:F0} of {all / 1e6:F0} MB")
            : string.Create(CultureInfo.InvariantCulture, $"{done / 1e6:F0} MB");
        // The first moments tell nothing yet.
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
        ModelDownloadStage.WaitingForOther => $"Another process downloads {model.Name}; waiting for it.",
        ModelDownloadStage.Downloading when first || stage == ModelDownloadStage.WaitingForOther => Start(value),
        _ => null,
    };

    private string Start(ModelDownloadProgress value)
    {
        var size = value.BytesTotal is { } bytes ? string.Create(CultureInfo.InvariantCulture, $", {bytes / 1e6:F0} MB") : "";
        var on = value.BytesDone > 0
            ? string.Create(CultureInfo.InvariantCulture, $", going on after {value.BytesDone / 1e6:F0} MB")
            : "";
        return $"Downloading {model.Name} from {model.DownloadUrl().Host}{size}{on} ({model.Licence}).";
    }
}
