namespace Fpn.IlGpu.Weights;

/// <summary>What a <see cref="ModelDownload"/> is at.</summary>
public enum ModelDownloadStage
{
    /// <summary>Another process downloads the same model; this one waits for it.</summary>
    WaitingForOther,

    /// <summary>The file comes in.</summary>
    Downloading,

    /// <summary>The connection failed; after a short wait it is tried again.</summary>
    Retrying,

    /// <summary>The whole file's hash is computed.</summary>
    Checking,

    /// <summary>The file is turned into the one that detectors load.</summary>
    Converting,
}

/// <summary>How far a <see cref="ModelDownload"/> is.</summary>
/// <param name="Stage">What it is at.</param>
/// <param name="BytesDone">Bytes of the publisher's file that are there, those of an earlier try included.</param>
/// <param name="BytesTotal">Bytes that the file has; null where the server didn't say.</param>
public readonly record struct ModelDownloadProgress(ModelDownloadStage Stage, long BytesDone, long? BytesTotal);
