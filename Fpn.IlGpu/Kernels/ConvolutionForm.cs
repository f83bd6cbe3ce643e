namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The ways to compute a convolution, from the one to read first to the fastest: the rungs of a ladder, each a file or a
/// section of one, that says what it gains and why. <see cref="ConvolutionForms"/> decides which one runs.
/// </summary>
internal enum ConvolutionForm
{
    /// <summary>One thread an output: <see cref="Convolution.NaiveKernel"/>.</summary>
    Naive,

    /// <summary>Each channel by itself: <see cref="DepthwiseConvolution"/>.</summary>
    Depthwise,

    /// <summary>Each value loaded is used for a whole row or column of a tile: <see cref="ConvolutionTile"/>.</summary>
    Tile,

    /// <summary>A quarter of the multiplications, for 3×3 windows: <see cref="SimdWinograd"/>, on a CPU.</summary>
    SimdWinograd,
}
