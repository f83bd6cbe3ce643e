using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Verification;

/// <summary>An operator with its cases.</summary>
/// <param name="Name">A name for users.</param>
/// <param name="Cases">Returns the cases that a device can run; none if the device doesn't have this form of the operator.</param>
internal sealed record VerifiedOperator(string Name, Func<Device, IReadOnlyList<VerificationCase>> Cases)
{
    /// <summary>Creates an operator with the same cases on every device.</summary>
    public VerifiedOperator(string name, IReadOnlyList<VerificationCase> cases)
        : this(name, _ => cases)
    {
    }
}

/// <summary>One run of an operator on inputs of one shape.</summary>
/// <param name="Name">The shape and the parameters.</param>
/// <param name="Run">Runs the operator on a device and compares the result with the reference.</param>
internal sealed record VerificationCase(string Name, Action<Device, Findings> Run);
