using Fpn.IlGpu.Evaluation;

namespace Fpn.IlGpu.Cli;

/// <summary>What the command line of <c>fpn eval</c> asks for.</summary>
internal sealed record EvalSettings
{
    /// <summary>COCO's instances.</summary>
    public required string Truth { get; init; }

    /// <summary>A file of results; null to detect.</summary>
    public required string? Results { get; init; }

    /// <summary>The weights, a file or a name of the model zoo; null for the model that ships with the library.</summary>
    public required string? Model { get; init; }

    /// <summary>Keys of the model's configuration that are to be other than its file says, as JSON; null for none.</summary>
    public required string? Configuration { get; init; }

    /// <summary>The folder of the pictures; null where none are needed.</summary>
    public required string? Images { get; init; }

    /// <summary>"auto", "cpu", "cuda[:n]" or "opencl[:n]".</summary>
    public required string Device { get; init; }

    /// <summary>Whether OpenCL devices that ILGPU would refuse may be used.</summary>
    public required bool AnyOpenCl { get; init; }

    /// <summary>What is compared.</summary>
    public required IReadOnlyList<EvaluationKind> Kinds { get; init; }

    /// <summary>Whether classes don't count, and up to 1000 proposals a picture do.</summary>
    public required bool Proposals { get; init; }

    /// <summary>The file of the regions that Fast R-CNN looks at; null for a model that finds them itself.</summary>
    public required string? FromProposals { get; init; }

    /// <summary>The file for the figures, "-" for standard output, or null for none.</summary>
    public required string? Json { get; init; }

    /// <summary>The file for what a model found; null for none.</summary>
    public required string? SaveResults { get; init; }

    /// <summary>The picture of the curves; null for none.</summary>
    public required string? Curves { get; init; }

    /// <summary>The folder for pictures of the worst misses; null for none.</summary>
    public required string? Worst { get; init; }

    /// <summary>How many of them.</summary>
    public required int WorstCount { get; init; }
}
