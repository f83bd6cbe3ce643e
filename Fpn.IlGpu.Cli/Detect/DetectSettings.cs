using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Cli;

/// <summary>What the command line of <c>fpn detect</c> asks for.</summary>
internal sealed record DetectSettings
{
    /// <summary>Files, folders and patterns.</summary>
    public required IReadOnlyList<string> Paths { get; init; }

    /// <summary>Whether folders below the named folders are looked into.</summary>
    public required bool Recursive { get; init; }

    /// <summary>The weights, a file or a name of the model zoo; null for the model that ships with the library.</summary>
    public required string? Model { get; init; }

    /// <summary>Keys of the model's configuration that are to be other than its file says, as JSON; null for none.</summary>
    public required string? Configuration { get; init; }

    /// <summary>"auto", "cpu", "cuda[:n]" or "opencl[:n]".</summary>
    public required string Device { get; init; }

    /// <summary>Whether OpenCL devices that ILGPU would refuse may be used.</summary>
    public required bool AnyOpenCl { get; init; }

    /// <summary>How exactly to multiply; null for the device's default.</summary>
    public required Precision? Precision { get; init; }

    /// <summary>Objects that score lower are left out; 0 to 1.</summary>
    public required float Score { get; init; }

    /// <summary>Pictures detected together.</summary>
    public required int Batch { get; init; }

    /// <summary>The folder for annotated pictures.</summary>
    public required string Out { get; init; }

    /// <summary>Whether annotated pictures are written.</summary>
    public required bool DrawPictures { get; init; }

    /// <summary>The file for JSON Lines, "-" for standard output, or null for none.</summary>
    public required string? Json { get; init; }

    /// <summary>The most pixels that a picture may have; null for the library's limit.</summary>
    public required long? MaxPixels { get; init; }
}
