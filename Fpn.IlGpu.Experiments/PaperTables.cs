using Fpn.IlGpu.Training;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Experiments;

/// <summary>
/// Tables of the paper (Lin et al., CVPR 2017): 1 to 3, the effect of each part of the pyramid on proposals, on Fast R-CNN and on Faster
/// R-CNN; 5, the effect of sharing features; 6, that of each part of the head that proposes masks.
/// </summary>
public static class PaperTables
{
    private static readonly string[] Precisions = ["AP50", "AP", "APs", "APm", "APl"];

    private static readonly RowChange Fpn = new(PyramidKind.Fpn);
    private static readonly RowChange BottomUp = new(PyramidKind.BottomUp);
    private static readonly RowChange NoLateral = new(PyramidKind.NoLateral);
    private static readonly RowChange Finest = new(PyramidKind.Finest);
    private static readonly RowChange C4 = new(PyramidKind.SingleMap, TopMap: 4);
    private static readonly RowChange C5 = new(PyramidKind.SingleMap);

    /// <summary>Proposals of the RPN alone: average recall of 10, 100 and 1000 proposals, and of 1000 by object size, in percent.</summary>
    public static PaperTable Proposals { get; } = new(
        1, "region proposals of the RPN", ["AR10", "AR100", "AR1k", "ARs", "ARm", "ARl"], DetectorKind.ProposalNetwork,
        [
            new('a', "single map C4", [null, 36.1, 48.3, 32.0, 58.7, 62.2], C4),
            new('b', "single map C5", [null, 36.3, 44.9, 25.3, 55.5, 64.2], C5),
            new('c', "FPN", [null, 44.0, 56.3, 44.9, 63.4, 66.2], Fpn),
            new('d', "bottom-up", [null, 37.4, 49.5, 30.5, 59.9, 68.0], BottomUp),
            new('e', "no lateral", [null, 34.5, 46.1, 26.5, 57.4, 64.7], NoLateral),
            new('f', "finest level", [null, 38.4, 51.3, 35.1, 59.7, 67.6], Finest),
        ]);

    /// <summary>Fast R-CNN on the proposals of row c of table 1: average precision in percent.</summary>
    public static PaperTable Objects { get; } = new(
        2, "Fast R-CNN on the proposals of table 1, row c", Precisions, DetectorKind.FastRcnn,
        [
            new('a', "C4, conv5 head", [54.7, 31.9, 15.7, 36.5, 45.5], C4 with { BoxHead = BoxHeadKind.Stage }),
            new('b', "C5, two-layer head", [52.9, 28.8, 11.9, 32.4, 43.4], C5),
            new('c', "FPN", [56.9, 33.9, 17.8, 37.7, 45.8], Fpn),
            new('d', "bottom-up", [44.9, 24.9, 10.9, 24.4, 38.5], BottomUp),
            new('e', "no lateral", [54.0, 31.3, 13.3, 35.2, 45.3], NoLateral),
            new('f', "finest level", [56.3, 33.4, 17.3, 37.3, 45.6], Finest),
        ]);

    /// <summary>Faster R-CNN, whose RPN and Fast R-CNN are trained jointly: average precision in percent.</summary>
    public static PaperTable Joint { get; } = new(
        3, "Faster R-CNN", Precisions, DetectorKind.FasterRcnn,
        [
            new('a', "C4, conv5 head", [null, 31.6, null, null, null], C4 with { BoxHead = BoxHeadKind.Stage }),
            new('b', "C5, two-layer head", [null, 28.0, null, null, null], C5),
            new('c', "FPN", [null, 33.9, null, null, null], Fpn),
        ]);

    /// <summary>FPN's RPN and Fast R-CNN with features of their own, or with shared ones: average precision in percent.</summary>
    public static PaperTable Sharing { get; } = new(
        5, "sharing features", Precisions, DetectorKind.FastRcnn,
        [
            new('a', "apart, not shared", [null, 33.9, null, null, null], Fpn),
            new('b', "four steps, shared", [null, 34.3, null, null, null], Fpn with { Training = RowTraining.Alternating }),
            new('c', "jointly, shared", [null, null, null, null, null], Fpn with { Training = RowTraining.Joint }),
        ]);

    /// <summary>Mask proposals: average recall of 1000 masks, and by object size, in percent.</summary>
    public static PaperTable Masks { get; } = new(
        6, "mask proposals", ["AR1k", "ARs", "ARm", "ARl"], DetectorKind.MaskProposals,
        [
            new('a', "5×5", [43.4, 32.5, 49.2, 53.7], Fpn with { Windows = [5] }),
            new('b', "7×7", [43.5, 30.0, 49.6, 57.8], Fpn with { Windows = [7] }),
            new('c', "5×5 and 7×7", [45.7, 31.9, 51.5, 60.8], Fpn with { Windows = [5, 7] }),
            new('d', "masks of 28×28", [46.7, null, null, null], Fpn with { Windows = [5, 7], MaskSide = 28 }),
            new('e', "28×28, twice the steps", [48.1, 32.6, 54.2, 65.6], Fpn with { Windows = [5, 7], MaskSide = 28, Budget = 2 }),
        ]);

    /// <summary>All tables.</summary>
    public static IReadOnlyList<PaperTable> All { get; } = [Proposals, Objects, Joint, Sharing, Masks];
}
