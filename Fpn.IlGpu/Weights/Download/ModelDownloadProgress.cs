namespace Fpn.IlGpu.Weights;

/// <summary>The stage of a <see cref="ModelDownload"/>.</summary>
public enum ModelDownloadStage
{
    /// <summary>Another process is downloading the same model; this one waits for it.</summary>
    WaitingForOther,

    /// <summary>The file is being downloaded.</summary>
    Downloading,

    /// <summary>The connection failed; a retry follows after a short wait.</summary>
    Retrying,

    /// <summary>The hash of the whole file is being computed.</summary>
    Checking,

    /// <summary>The file is being converted to the one that detectors load.</summary>
    Converting,
}

/// <summary>The progress of a <see cref="ModelDownload"/>.</summary>
/// <param name="Stage">The current stage.</param>
/// <param name="BytesDone">Bytes of the publisher's file that have arrived, including those of earlier tries.</param>
/// <param name="BytesTotal">The file's size in bytes; null if the server didn't state it.</param>
public readonly record struct ModelDownloadProgress(ModelDownloadStage Stage, long BytesDone, long? BytesTotal);
