using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Detection;

/// <summary>
/// Faster R-CNN on a Feature Pyramid Network (Lin et al., sections 4 and 5.2): the RPN proposes regions on every level,
/// the Fast R-CNN head says of each what it is and where exactly.
/// </summary>
public class FasterRcnn : Detector
{
    internal FasterRcnn(ModelSource source)
        : base(source)
    {
        Rpn = new RegionProposalNetwork(source, Pyramid.Channels, Anchors);
        BoxHead = BoxHead.Read(Device, Weights, "roi_heads", Pyramid.Channels, Configuration.BackgroundLast);
        Classes = ModelChecks.ClassNames(source, BoxHead.Classes);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Classes { get; }

    internal override string Description => $"{Rpn.Head.Description}; box head of {BoxHead.Description}";

    internal RegionProposalNetwork Rpn { get; }

    internal BoxHead BoxHead { get; }

    /// <summary>RPN, proposals, RoI features, box head, post-processing.</summary>
    private protected override IReadOnlyList<DetectedObject>[] DetectIn(
        FeatureMaps pyramid, InputBatch batch, CancellationToken cancellation)
    {
        using var found = FindBoxes(pyramid, batch, cancellation);
        return ToObjects(found.Fetch(), batch);
    }

    /// <summary>What is found, still on the device.</summary>
    internal FoundBoxes FindBoxes(FeatureMaps pyramid, InputBatch batch, CancellationToken cancellation)
    {
        Device.Stage("RPN head");
        using var rpn = Rpn.Head.Run(pyramid);
        cancellation.ThrowIfCancellationRequested();
        Device.Stage("proposals");
        using var proposals = Rpn.FindProposals(rpn, batch);
        Device.Stage("RoI features");
        using var roiFeatures = PoolFeatures(pyramid, proposals, batch, BoxHead.Bins);
        Device.Stage("box head");
        using var features = BoxHead.Features(roiFeatures, proposals.Total.View);
        using var predictions = BoxHead.Predict(features, proposals.Total.View);
        cancellation.ThrowIfCancellationRequested();
        Device.Stage("postprocess");
        return SelectDetections(predictions, proposals, batch);
    }

    internal Tensor PoolFeatures(FeatureMaps pyramid, RoiSet rois, InputBatch batch, int bins)
        => RoiFeatures.Pool(
            Device, pyramid, Pyramid.MergedLevels, rois, batch.Input.Shape.H, bins,
            new RoiSettings(Configuration.RoiSamplingRatio, Configuration.RoiAligned, Configuration.RoiLevelEpsilon));

    internal FoundBoxes SelectDetections(BoxPredictions predictions, RoiSet proposals, InputBatch batch)
    {
        var weights = Configuration.BoxWeights;
        return PostProcess.Run(
            Device, predictions, proposals, batch.Pictures.View,
            new PostProcessSettings(
                ScoreThreshold, Configuration.BoxNmsThreshold, Configuration.BoxDetectionsPerImage,
                new BoxWeights(weights[0], weights[1], weights[2], weights[3]), Configuration.BackgroundLast));
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        Rpn.Dispose();
        BoxHead.Dispose();
        base.Dispose(disposing);
    }
}
