namespace Fpn.IlGpu.Verification;

/// <summary>The result of verifying one operator on a device.</summary>
/// <param name="Operator">The operator's name.</param>
/// <param name="Cases">The number of cases that completed.</param>
/// <param name="Difference">
/// The largest difference from the reference relative to its bound; NaN if the device or the reference computed NaN where the other
/// did not.
/// </param>
/// <param name="Bound">The bound of that difference: 0 for operators that select or copy values.</param>
/// <param name="Mismatches">
/// A line for each comparison that exceeded its bound: the case, the place of the largest difference, and both values.
/// </param>
/// <param name="Errors">A line for each case that threw, for a device that could not be opened, and for skipped cases.</param>
public sealed record OperatorVerification(
    string Operator, int Cases, double Difference, double Bound, IReadOnlyList<string> Mismatches, IReadOnlyList<string> Errors)
{
    /// <summary>Whether every case ran and agreed.</summary>
    public bool Passed => Mismatches.Count == 0 && Errors.Count == 0;
}

/// <summary>The progress of a verification.</summary>
/// <param name="Number">The number of the current operator, from 1.</param>
/// <param name="Operators">The total number of operators.</param>
/// <param name="Operator">The name of the current operator.</param>
/// <param name="Case">The name of the case that starts, which states its shape.</param>
public readonly record struct VerificationProgress(int Number, int Operators, string Operator, string Case);
