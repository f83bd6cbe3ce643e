namespace Fpn.IlGpu.Verification;

/// <summary>The operators that <c>fpn verify</c> runs.</summary>
internal static class VerifiedOperators
{
    /// <summary>All operators of the library, and the shipped model from pixels to boxes.</summary>
    public static IReadOnlyList<VerifiedOperator> All => [
        .. ConvolutionCases.Operators,
        .. PoolingCases.Operators,
        .. PreprocessCases.Operators,
        .. PointwiseCases.Operators,
        .. RoiCases.Operators,
        .. BoxCases.Operators,
        .. SelectionCases.Operators,
        .. CandidateCases.Operators,
        .. DetectionCases.Operators,
        .. MaskCases.Operators,
        .. ConvolutionGradientCases.Operators,
        .. GradientCases.Operators,
        .. TrainingCases.Operators,
        ShippedModelCase.Operator,
    ];
}
