namespace Fpn.IlGpu.Verification;

/// <summary>How one operator did on a device.</summary>
/// <param name="Operator">Its name.</param>
/// <param name="Cases">How many cases ran to their end.</param>
/// <param name="Difference">
/// The largest difference from the reference, measured by its bound; NaN where the device gave NaN or the reference a
/// value that it did not.
/// </param>
/// <param name="Bound">What that difference may be: 0 for operators that choose or copy values.</param>
/// <param name="Mismatches">A line for each case that differs by more: its shape, where it differs most, and by how much.</param>
/// <param name="Errors">A line for each case that threw, for a device that did not open, and for cases that were skipped then.</param>
public sealed record OperatorVerification(
    string Operator, int Cases, double Difference, double Bound, IReadOnlyList<string> Mismatches, IReadOnlyList<string> Errors)
{
    /// <summary>Whether every case ran and agreed.</summary>
    public bool Passed => Mismatches.Count == 0 && Errors.Count == 0;
}

/// <summary>What a verification is at.</summary>
/// <param name="Number">The operator's number, from 1 on.</param>
/// <param name="Operators">How many operators there are.</param>
/// <param name="Operator">Its name.</param>
/// <param name="Case">The case that begins, by its shape.</param>
public readonly record struct VerificationProgress(int Number, int Operators, string Operator, string Case);
