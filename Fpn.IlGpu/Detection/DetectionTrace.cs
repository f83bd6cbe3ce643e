using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Detection;

/// <summary>
/// All stages of one detection on the host, from pixels to boxes, for those who want to see or use a pyramid
/// (<see cref="FasterRcnn.Trace"/>). Levels have the paper's numbers: <c>trace.Pyramid[2]</c> is P2.
/// </summary>
public sealed record DetectionTrace
{
    /// <summary>The size of the picture after resizing, before padding, in input px.</summary>
    public required (int Width, int Height) Resized { get; init; }

    /// <summary>The network's input: resized, normalised and padded, [H, W, 3].</summary>
    public required TracedMap Input { get; init; }

    /// <summary>The backbone's maps, C2 to C5.</summary>
    public required Levels<TracedMap> BottomUp { get; init; }

    /// <summary>The top-down pathway: lateral, upsampled and merged maps, M2 to M5.</summary>
    public required Levels<TracedMerge> TopDown { get; init; }

    /// <summary>The pyramid, P2 to P6.</summary>
    public required Levels<TracedMap> Pyramid { get; init; }

    /// <summary>The RPN's objectness logits, [Hl, Wl, A].</summary>
    public required Levels<TracedMap> Objectness { get; init; }

    /// <summary>The RPN's deltas, [Hl, Wl, 4 · A]: dx, dy, dw, dh of each anchor.</summary>
    public required Levels<TracedMap> AnchorDeltas { get; init; }

    /// <summary>The best anchors of each level, decoded; finest level first, each level's best first.</summary>
    public required IReadOnlyList<TracedProposal> Proposals { get; init; }

    /// <summary>The regions of interest: the best proposals that NMS has kept, best first.</summary>
    public required IReadOnlyList<TracedRoi> Rois { get; init; }

    /// <summary>The features of the RoIs, [R, bins, bins, d].</summary>
    public required float[] RoiFeatures { get; init; }

    /// <summary>The side of a RoI's features in bins: usually 7.</summary>
    public required int Bins { get; init; }

    /// <summary>The box of each RoI for each class whose score is above the threshold; class by class, each class's best first.</summary>
    public required IReadOnlyList<TracedClassBox> ClassBoxes { get; init; }

    /// <summary>What <see cref="Detector.Detect(Imaging.RgbImage, CancellationToken)"/> returns.</summary>
    public required IReadOnlyList<DetectedObject> Objects { get; init; }
}

/// <summary>A map on the host.</summary>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
/// <param name="Channels">Channels.</param>
/// <param name="StridePx">The distance of neighbouring pixels, in px of the network's input.</param>
/// <param name="Values">[Height, Width, Channels].</param>
public sealed record TracedMap(int Height, int Width, int Channels, int StridePx, float[] Values)
{
    /// <summary>A value.</summary>
    public float this[int y, int x, int channel] => Values[(y * Width + x) * Channels + channel];
}

/// <summary>One merge of the top-down pathway: Lateral + Upsampled = Merged.</summary>
/// <param name="Lateral">The 1×1 convolution of the backbone's map.</param>
/// <param name="Upsampled">The coarser merged map at this level's size; null at the top.</param>
/// <param name="Merged">Their sum, which a 3×3 convolution turns into the pyramid's level.</param>
/// <param name="WithoutTopDown">What the 3×3 makes of the lateral alone; it was trained on the sum.</param>
/// <param name="WithoutLateral">What the 3×3 makes of the top lateral, repeated down to this level; it was trained on the sum.</param>
public sealed record TracedMerge(
    TracedMap Lateral, TracedMap? Upsampled, TracedMap Merged, TracedMap WithoutTopDown, TracedMap WithoutLateral);

/// <summary>An anchor that is among the best of its level.</summary>
/// <param name="Level">Its level: 2 for P2.</param>
/// <param name="Y">The row of its cell.</param>
/// <param name="X">The column of its cell.</param>
/// <param name="Anchor">Its index among the anchors of its cell.</param>
/// <param name="AnchorInputPx">The anchor.</param>
/// <param name="BoxInputPx">The decoded box, clipped to the picture.</param>
/// <param name="Score">The objectness, 0…1.</param>
/// <param name="IsCandidate">Whether the box has a size, and the score reaches the RPN's threshold.</param>
/// <param name="IsKept">Whether NMS kept it.</param>
/// <param name="Roi">Its index in <see cref="DetectionTrace.Rois"/>; null if it is not among the best of the picture.</param>
public sealed record TracedProposal(
    int Level, int Y, int X, int Anchor, Box AnchorInputPx, Box BoxInputPx, float Score, bool IsCandidate, bool IsKept, int? Roi);

/// <summary>A region of interest.</summary>
/// <param name="BoxInputPx">The region.</param>
/// <param name="Objectness">The RPN's score, 0…1.</param>
/// <param name="Level">The level that its features are read from: 4 for P4.</param>
/// <param name="Scores">The probability of each class, with the background, [classes].</param>
/// <param name="Deltas">The deltas of each class, [4 · classes], or [4 · (classes − 1)] if the background comes last.</param>
public sealed record TracedRoi(Box BoxInputPx, float Objectness, int Level, float[] Scores, float[] Deltas);

/// <summary>A RoI's box for one class.</summary>
/// <param name="Roi">The RoI's index.</param>
/// <param name="ClassId">The class.</param>
/// <param name="Score">The class's probability.</param>
/// <param name="BoxInputPx">The RoI moved by the deltas of the class, and clipped.</param>
/// <param name="IsCandidate">Whether the box has a size.</param>
/// <param name="IsKept">Whether NMS kept it.</param>
public sealed record TracedClassBox(int Roi, int ClassId, float Score, Box BoxInputPx, bool IsCandidate, bool IsKept);
