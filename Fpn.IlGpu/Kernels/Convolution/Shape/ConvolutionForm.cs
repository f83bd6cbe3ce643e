namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The ways to compute a convolution, from the one to read first to the fastest: the rungs of a ladder. Each is a file that says what
/// it gains over the rung below, and why. <see cref="ConvolutionForms"/> decides which one runs.
/// </summary>
internal enum ConvolutionForm
{
    /// <summary>One thread computes one output: <see cref="NaiveConvolution"/>.</summary>
    Naive,

    /// <summary>Each channel on its own: <see cref="DepthwiseConvolution"/>.</summary>
    Depthwise,

    /// <summary>Output channels side by side in SIMD registers, on a CPU: <see cref="SimdVectorConvolution"/>.</summary>
    SimdVector,

    /// <summary>Each loaded value is used for a whole row or column of a tile: <see cref="ConvolutionTile"/>.</summary>
    Tile,

    /// <summary>
    /// Windows are copied side by side (im2col), then multiplied without a branch, for OpenCL on CPUs:
    /// <see cref="UnfoldedConvolution"/>.
    /// </summary>
    Unfolded,

    /// <summary>Thread groups share what they read, on GPUs: <see cref="Kernels.SharedTile"/>.</summary>
    SharedTile,

    /// <summary>Each thread computes 8 × 8 outputs from shared memory, on GPUs: <see cref="Kernels.RegisterTile"/>.</summary>
    RegisterTile,

    /// <summary>
    /// A quarter of the multiplications, for 3×3 windows, with register tiles, on GPUs: <see cref="Kernels.GpuWinograd"/>.
    /// </summary>
    GpuWinograd,

    /// <summary>Each warp multiplies small matrices rounded to TF32, on NVIDIA GPUs with tensor cores: <see cref="TensorTile"/>.</summary>
    TensorTf32,

    /// <summary>The same, rounded to FP16.</summary>
    TensorFp16,

    /// <summary>A quarter of the multiplications, for 3×3 windows, on a CPU: <see cref="SimdWinograd"/>.</summary>
    SimdWinograd,

    /// <summary>The same in three kernels, for OpenCL on CPUs: <see cref="StagedWinograd"/>.</summary>
    StagedWinograd,
}
