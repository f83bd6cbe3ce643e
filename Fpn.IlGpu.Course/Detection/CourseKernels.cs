using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Course;

/// <summary>The kernels of chapters 5 to 11, which make a detector.</summary>
public sealed record CourseKernels
{
    /// <summary>Those of the exercises.</summary>
    public static CourseKernels Yours { get; } = new()
    {
        Lateral = Exercises.Chapter05.Naive,
        Merge = Exercises.Chapter06.Kernel,
        Smooth = Exercises.Chapter07.Smooth,
        Subsample = Exercises.Chapter07.Subsample,
        DecodeAnchors = Exercises.Chapter08.Kernel,
        Decode = Exercises.Chapter08.Decode,
        Best = Exercises.Chapter09.Kernel,
        Mask = Exercises.Chapter10.Mask,
        Keep = Exercises.Chapter10.Keep,
        Level = Exercises.Chapter11.Level,
        RoiAlign = Exercises.Chapter11.Kernel,
    };

    /// <summary>Chapter 5, the naive product.</summary>
    public required Action<Index1D, GlobalView<float>, GlobalView<float>, GlobalView<float>, ProductSize, GlobalView<float>> Lateral { get; init; }

    /// <summary>Chapter 6.</summary>
    public required Action<Index1D, GlobalView<float>, GlobalView<float>, MergeSize, GlobalView<float>> Merge { get; init; }

    /// <summary>Chapter 7, the 3×3.</summary>
    public required Action<Index1D, GlobalView<float>, GlobalView<float>, GlobalView<float>, ConvolutionSize, GlobalView<float>> Smooth { get; init; }

    /// <summary>Chapter 7, P6.</summary>
    public required Action<Index1D, GlobalView<float>, MapSize, GlobalView<float>> Subsample { get; init; }

    /// <summary>Chapter 8, all anchors of a level.</summary>
    public required Action<Index1D, GlobalView<float>, AnchorGrid, GlobalView<Box>> DecodeAnchors { get; init; }

    /// <summary>Chapter 8, one box.</summary>
    public required Func<Box, Deltas, Box> Decode { get; init; }

    /// <summary>Chapter 9.</summary>
    public required Action<Index1D, GlobalView<float>, int, int, GlobalView<int>> Best { get; init; }

    /// <summary>Chapter 10, the mask.</summary>
    public required Action<Index1D, GlobalView<Box>, GlobalView<int>, NmsSize, GlobalView<uint>> Mask { get; init; }

    /// <summary>Chapter 10, what is kept.</summary>
    public required Action<Index1D, GlobalView<uint>, NmsSize, GlobalView<int>> Keep { get; init; }

    /// <summary>Chapter 11, levels.</summary>
    public required Func<Box, int> Level { get; init; }

    /// <summary>Chapter 11, RoIAlign.</summary>
    public required Action<Index1D, GlobalView<float>, GlobalView<Box>, AlignSize, GlobalView<float>> RoiAlign { get; init; }
}
