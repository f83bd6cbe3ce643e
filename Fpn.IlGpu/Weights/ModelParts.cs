using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// Which parts of a detector a file holds, by torchvision's names. They tell the kind of detector, and what a file lacks to be one.
/// </summary>
internal static class ModelParts
{
    private const int MostShown = 3;
    private const string Backbone = "backbone.body.";
    private const string Pyramid = "backbone.fpn.";
    private const string Rpn = "rpn.";
    private const string RoiHeads = "roi_heads.";
    private const string BoxPredictor = "roi_heads.box_predictor.";
    private const string MaskPredictor = "roi_heads.mask_predictor.";
    private const string Retina = "head.classification_head.";
    private const string MaskProposals = "mask_proposals.";

    /// <summary>Whether any tensor is of a detector's head.</summary>
    public static bool HasHead(IEnumerable<string> names)
        => names.Any(name => Is(name, Rpn) || Is(name, RoiHeads) || Is(name, Retina) || Is(name, MaskProposals));

    /// <summary>Whether the tensors are those of a backbone, with or without a pyramid, without any head.</summary>
    public static bool IsBackboneAlone(IReadOnlyCollection<string> names) => !HasHead(names) && Any(names, Backbone);

    /// <summary>Returns the kind of detector.</summary>
    /// <param name="file">The file, for messages.</param>
    /// <param name="names">The names of its tensors: torchvision's, and those that no source has.</param>
    /// <exception cref="WeightsException">The tensors are not those of a detector, or a part of the detector is missing.</exception>
    public static string KindOf(StateDictionary file, IReadOnlyCollection<string> names)
    {
        if (Any(names, Retina))
            return DetectorKind.RetinaNet;
        if (Any(names, MaskPredictor))
            return DetectorKind.MaskRcnn;
        if (Any(names, BoxPredictor))
            return DetectorKind.FasterRcnn;
        if (Any(names, MaskProposals))
            return DetectorKind.MaskProposals;
        RefuseBackboneAlone(file, names);
        if (!Any(names, "rpn.head."))
        {
            throw new WeightsException(
                $"{file.Source}: holds no detector of a known kind; its {file.Tensors.Count} tensors begin with {First(file.Tensors.Keys)}. "
                + "If there is a prefix before names such as 'backbone.body.conv1.weight', set 'prefix' to it.");
        }
        string[] others = [.. names.Where(name => !Is(name, Backbone) && !Is(name, Pyramid) && !Is(name, Rpn))];
        return others.Length == 0
            ? DetectorKind.ProposalNetwork
            : throw new WeightsException(
                $"{file.Source}: has no box predictor ('{BoxPredictor}cls_score.weight'), but an RPN and {others.Length} other tensors, such as "
                + $"{First(others)}: it can't tell classes. To use its RPN alone, set 'detector' to {DetectorKind.ProposalNetwork}.");
    }

    /// <summary>Refuses to detect with a backbone alone.</summary>
    /// <exception cref="WeightsException">The file holds one.</exception>
    public static void RefuseBackboneAlone(StateDictionary file, IReadOnlyCollection<string> names)
    {
        if (IsBackboneAlone(names))
        {
            throw new WeightsException(
                $"{file.Source}: holds a backbone without a detector's heads, so it can't detect; training can start from it "
                + "('network.weights' of a training configuration).");
        }
    }

    private static bool Any(IEnumerable<string> names, string prefix) => names.Any(name => Is(name, prefix));

    private static bool Is(string name, string prefix) => name.StartsWith(prefix, StringComparison.Ordinal);

    private static string First(IEnumerable<string> names)
    {
        string[] first = [.. names.Take(MostShown + 1)];
        return string.Join(", ", first.Take(MostShown).Select(WeightsException.Quote)) + (first.Length > MostShown ? ", …" : "");
    }
}
