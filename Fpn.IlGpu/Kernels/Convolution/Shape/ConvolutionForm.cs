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

    /// <summary>Output channels side by side in SIMD registers: <see cref="SimdVectorConvolution"/>, on a CPU.</summary>
    SimdVector,

    /// <summary>Each value loaded is used for a whole row or column of a tile: <see cref="ConvolutionTile"/>.</summary>
    Tile,

    /// <summary>
    /// First copied side by side, then multiplied without a branch: <see cref="UnfoldedConvolution"/>, for OpenCL on CPUs.
    /// </summary>
    Unfolded,

    /// <summary>Groups of threads share what they read: <see cref="Kernels.SharedTile"/>, on GPUs.</summary>
    SharedTile,

    /// <summary>Each thread computes 8 × 8 outputs from shared memory: <see cref="Kernels.RegisterTile"/>, on GPUs.</summary>
    RegisterTile,

    /// <summary>
    /// A quarter of the multiplications, for 3×3 windows, by register tiles: <see cref="Kernels.GpuWinograd"/>, on GPUs.
    /// </summary>
    GpuWinograd,

    /// <summary>Small matrices a warp, rounded to TF32: <see cref="TensorTile"/>, on NVIDIA GPUs with tensor cores.</summary>
    TensorTf32,

    /// <summary>The same, rounded to FP16.</summary>
    TensorFp16,

    /// <summary>A quarter of the multiplications, for 3×3 windows: <see cref="SimdWinograd"/>, on a CPU.</summary>
    SimdWinograd,

    /// <summary>The same in three kernels: <see cref="StagedWinograd"/>, for OpenCL on CPUs.</summary>
    StagedWinograd,
}
