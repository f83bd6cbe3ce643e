using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Verification;

/// <summary>One operator with its cases.</summary>
/// <param name="Name">For people.</param>
/// <param name="Cases">Those that a device can run; none where it has no such form of the operator.</param>
internal sealed record VerifiedOperator(string Name, Func<Device, IReadOnlyList<VerificationCase>> Cases)
{
    /// <summary>An operator with the same cases on every device.</summary>
    public VerifiedOperator(string name, IReadOnlyList<VerificationCase> cases)
        : this(name, _ => cases)
    {
    }
}

/// <summary>One run of an operator on inputs of one shape.</summary>
/// <param name="Name">The shape and the parameters.</param>
/// <param name="Run">Runs it on a device and holds what comes out to the reference.</param>
internal sealed record VerificationCase(string Name, Action<Device, Findings> Run);
