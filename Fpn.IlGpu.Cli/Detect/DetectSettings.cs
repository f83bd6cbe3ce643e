using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Cli;

/// <summary>The settings from the command line of <c>fpn detect</c>.</summary>
internal sealed record DetectSettings
{
    /// <summary>Files, folders and patterns.</summary>
    public required IReadOnlyList<string> Paths { get; init; }

    /// <summary>Whether subfolders of the named folders are included.</summary>
    public required bool Recursive { get; init; }

    /// <summary>The weights: a file, or the name of a published model; null for the model that ships with the library.</summary>
    public required string? Model { get; init; }

    /// <summary>Overrides of keys of the model's configuration, as JSON; null for none.</summary>
    public required string? Configuration { get; init; }

    /// <summary>"auto", "cpu", "cuda[:n]" or "opencl[:n]".</summary>
    public required string Device { get; init; }

    /// <summary>Whether OpenCL devices that ILGPU would reject may be used.</summary>
    public required bool AnyOpenCl { get; init; }

    /// <summary>The precision of multiplications; null for the device's default.</summary>
    public required Precision? Precision { get; init; }

    /// <summary>The score below which objects are omitted; 0 to 1.</summary>
    public required float Score { get; init; }

    /// <summary>Pictures per batch.</summary>
    public required int Batch { get; init; }

    /// <summary>The folder for annotated pictures.</summary>
    public required string Out { get; init; }

    /// <summary>Whether annotated pictures are written.</summary>
    public required bool DrawPictures { get; init; }

    /// <summary>The file for JSON Lines, "-" for standard output, or null for none.</summary>
    public required string? Json { get; init; }

    /// <summary>The maximum number of pixels of a picture; null for the library's limit.</summary>
    public required long? MaxPixels { get; init; }
}
