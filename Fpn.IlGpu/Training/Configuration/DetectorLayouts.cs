using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Training;

/// <summary>The sizes of a configured detector's layers: those of torchvision's models, with the configured widths.</summary>
internal static class DetectorLayouts
{
    private const int PyramidC = 256;
    private const int MaskProposalPyramidC = 128;
    private const int HeadConvolutions = 4;
    private const int HeadConvolutionC = 256;
    private const int MaskConvolutions = 4;
    private const int TowerConvolutions = 4;

    /// <summary>Returns the layout.</summary>
    /// <param name="network">The configuration of the network.</param>
    /// <param name="model">The kind of detector, the pyramid, the anchors and the classes.</param>
    /// <param name="backbone">A backbone that <see cref="NetworkLayout.Layout"/> can't name, or null.</param>
    /// <exception cref="TrainingException">The pyramid needs more maps than the backbone has.</exception>
    public static DetectorLayout Of(NetworkLayout network, ModelConfiguration model, BackboneLayout? backbone = null)
    {
        var isSecond = network.Generation == 2;
        backbone ??= BackboneLayouts.Of(network.Layout, network.Widths, network.TopMap, model.StrideInFirstConvolution);
        var maps = model.Pyramid == PyramidKind.SingleMap ? 1 : network.Maps ?? UsualMaps(network, model, backbone);
        if (maps > backbone.MostMaps)
            throw new TrainingException($"'network.maps' is {maps}, but the backbone has {backbone.MostMaps} maps.");
        var built = backbone.Build(new LayerSet(), DetectorNetwork.BackboneName, maps);
        var isRetina = model.Detector == DetectorKind.RetinaNet;
        var isMasks = model.Detector == DetectorKind.MaskProposals;
        var channels = network.PyramidChannels ?? (isMasks ? MaskProposalPyramidC : PyramidC);
        var d = model.Pyramid == PyramidKind.SingleMap ? built.Channels[^1] : channels;
        var pyramid = new PyramidLayout(
            model.Pyramid, d, HasNorms: isSecond && !isRetina,
            !isRetina ? ExtraLevelsKind.Subsampled
                : isSecond ? ExtraLevelsKind.ConvolvedFromTopMap : ExtraLevelsKind.ConvolvedFromPyramid);
        var layout = new DetectorLayout(backbone, maps, pyramid);
        var anchors = model.AspectRatios.Length * model.AnchorSizes[0].Length;
        var classes = model.Classes!.Length;
        if (isRetina)
        {
            int[] tower = [.. Enumerable.Repeat(d, TowerConvolutions)];
            return layout with { Retina = new RetinaHeadLayout(tower, tower, HasNorms: isSecond, anchors, classes) };
        }
        if (isMasks)
            return layout with { MaskProposals = new MaskProposalLayout(network.Windows, network.WindowChannels, network.MaskSide) };
        var hasRpn = model.Detector != DetectorKind.FastRcnn;
        var hasBoxes = model.Detector != DetectorKind.ProposalNetwork;
        return layout with
        {
            Rpn = hasRpn ? Rpn(network, model, channels, anchors) : null,
            Boxes = hasBoxes ? Boxes(network, model, classes) : null,
            Masks = model.Detector == DetectorKind.MaskRcnn ? Masks(network, model, classes) : null,
        };
    }

    private static int UsualMaps(NetworkLayout network, ModelConfiguration model, BackboneLayout backbone)
        => model.Detector == DetectorKind.RetinaNet ? Math.Min(backbone.MostMaps, 3)
            : BackboneLayouts.IsMobileNet(network.Layout) ? 2
            : Math.Min(backbone.MostMaps, network.TopMap - 1);

    private static RpnHeadLayout Rpn(NetworkLayout network, ModelConfiguration model, int channels, int anchors)
    {
        int[] hidden = [.. Enumerable.Repeat(channels, network.Generation)];
        return new RpnHeadLayout(network.SharedRpnHead ? null : model.AnchorSizes.Length, hidden, HasNorms: false, anchors);
    }

    private static BoxHeadLayout Boxes(NetworkLayout network, ModelConfiguration model, int classes)
    {
        var deltas = 4 * (model.BackgroundLast ? classes - 1 : classes);
        if (network.BoxHead == BoxHeadKind.Stage)
        {
            var stage = BackboneLayouts.FifthStage(network.Layout, network.Widths, model.StrideInFirstConvolution);
            return new BoxHeadLayout(stage, [], HasNorms: false, [], StageHead.Bins, classes, deltas);
        }
        return network.Generation == 2
            ? new BoxHeadLayout(
                null, [.. Enumerable.Repeat(HeadConvolutionC, HeadConvolutions)], HasNorms: true, [network.HeadChannels],
                BoxHeadLayout.UsualBins, classes, deltas)
            : new BoxHeadLayout(
                null, [], HasNorms: false, [network.HeadChannels, network.HeadChannels], BoxHeadLayout.UsualBins, classes, deltas);
    }

    private static MaskHeadLayout Masks(NetworkLayout network, ModelConfiguration model, int classes)
    {
        int[] convolutions = [.. Enumerable.Repeat(network.MaskChannels, MaskConvolutions)];
        return new MaskHeadLayout(
            convolutions, HasNorms: network.Generation == 2, network.MaskChannels, model.BackgroundLast ? classes - 1 : classes);
    }
}
