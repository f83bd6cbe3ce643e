using Fpn.IlGpu.Evaluation;
using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Cli;

/// <summary>The settings from the command line of <c>fpn eval</c>.</summary>
internal sealed record EvalSettings
{
    /// <summary>The ground truth's file, in COCO's instances format, or a folder in the layout of Pascal VOC.</summary>
    public required string Truth { get; init; }

    /// <summary>For a VOC folder, the name of the list of pictures; null for all pictures with annotations.</summary>
    public string? Split { get; init; }

    /// <summary>The file of results; null to detect with a model.</summary>
    public required string? Results { get; init; }

    /// <summary>The weights: a file, or the name of a published model; null for the model that ships with the library.</summary>
    public required string? Model { get; init; }

    /// <summary>Overrides of keys of the model's configuration, as JSON; null for none.</summary>
    public required string? Configuration { get; init; }

    /// <summary>The folder of the pictures; null if none are needed.</summary>
    public required string? Images { get; init; }

    /// <summary>What to do with pictures that EXIF data say are turned.</summary>
    public required ExifUse Exif { get; init; }

    /// <summary>"auto", "cpu", "cuda[:n]" or "opencl[:n]".</summary>
    public required string Device { get; init; }

    /// <summary>Whether OpenCL devices that ILGPU would reject may be used.</summary>
    public required bool AnyOpenCl { get; init; }

    /// <summary>What is compared: boxes, masks, or both.</summary>
    public required IReadOnlyList<EvaluationKind> Kinds { get; init; }

    /// <summary>Whether proposals are evaluated: classes are ignored, and up to 1000 boxes per picture count.</summary>
    public required bool Proposals { get; init; }

    /// <summary>The file of proposals for Fast R-CNN; null for a model that finds its own.</summary>
    public required string? FromProposals { get; init; }

    /// <summary>The file for the figures, "-" for standard output, or null for none.</summary>
    public required string? Json { get; init; }

    /// <summary>The file for the model's detections; null for none.</summary>
    public required string? SaveResults { get; init; }

    /// <summary>The file for the list of all problems with the data; null for none.</summary>
    public required string? Problems { get; init; }

    /// <summary>Whether to go on where more than one per cent of the data can't be used.</summary>
    public required bool AllowProblems { get; init; }

    /// <summary>The picture file for the precision-recall curves; null for none.</summary>
    public required string? Curves { get; init; }

    /// <summary>The folder for the pictures with the most errors; null for none.</summary>
    public required string? Worst { get; init; }

    /// <summary>The number of such pictures.</summary>
    public required int WorstCount { get; init; }
}
