using Fpn.IlGpu.Networks;

namespace Fpn.IlGpu.Detection;

/// <summary>
/// The region proposal network alone (paper, section 5.1): it finds boxes that contain any object, without a class. The score of a
/// detection is its objectness.
/// </summary>
public sealed class ProposalNetwork : Detector
{
    internal ProposalNetwork(ModelSource source)
        : base(source)
    {
        Rpn = new RegionProposalNetwork(source, Anchors);
        ScoreThreshold = Configuration.RpnScoreThreshold;
    }

    /// <summary>The single class, <c>object</c>.</summary>
    public override IReadOnlyList<string> Classes { get; } = ["object"];

    internal override string Description => Rpn.Head.Description;

    internal RegionProposalNetwork Rpn { get; }

    private protected override (float NmsThreshold, int Most) MergeLimits
        => (Configuration.RpnNmsThreshold, Configuration.RpnPostNmsTopN);

    /// <summary>Runs the RPN and selects its proposals.</summary>
    private protected override IReadOnlyList<DetectedObject>[] DetectIn(
        Tape tape, FeatureMaps pyramid, InputBatch batch, CancellationToken cancellation)
    {
        Device.Stage("RPN head");
        using var rpn = Rpn.Head.Run(tape, pyramid);
        cancellation.ThrowIfCancellationRequested();
        Device.Stage("proposals");
        using var proposals = Rpn.FindProposals(rpn, batch);
        return ToObjects(proposals, batch);
    }

    internal IReadOnlyList<DetectedObject>[] ToObjects(RoiSet proposals, InputBatch batch)
    {
        using var found = FoundBoxes.Of(Device, proposals, batch.Sizes.Length);
        return ToObjects([.. found.Fetch().Select(boxes => boxes.FindAll(b => b.Score > ScoreThreshold))], batch);
    }
}
