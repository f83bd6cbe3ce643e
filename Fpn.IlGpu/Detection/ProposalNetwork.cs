using Fpn.IlGpu.Networks;

namespace Fpn.IlGpu.Detection;

/// <summary>
/// The region proposal network alone (paper, section 5.1): boxes that hold some object, without a class. A detection's
/// score is its objectness.
/// </summary>
public sealed class ProposalNetwork : Detector
{
    internal ProposalNetwork(ModelSource source)
        : base(source)
    {
        Rpn = new RegionProposalNetwork(source, Pyramid.Channels, Anchors);
        ScoreThreshold = Configuration.RpnScoreThreshold;
    }

    /// <summary>One, <c>object</c>.</summary>
    public override IReadOnlyList<string> Classes { get; } = ["object"];

    internal override string Description => Rpn.Head.Description;

    internal RegionProposalNetwork Rpn { get; }

    /// <summary>RPN, proposals.</summary>
    private protected override IReadOnlyList<DetectedObject>[] DetectIn(
        FeatureMaps pyramid, InputBatch batch, CancellationToken cancellation)
    {
        Device.Stage("RPN head");
        using var rpn = Rpn.Head.Run(pyramid);
        cancellation.ThrowIfCancellationRequested();
        Device.Stage("proposals");
        using var proposals = Rpn.FindProposals(rpn, batch);
        return ToObjects(proposals, batch);
    }

    internal IReadOnlyList<DetectedObject>[] ToObjects(RoiSet proposals, InputBatch batch)
    {
        var boxes = proposals.Boxes.Download();
        var scores = proposals.Scores.Download();
        var found = new List<ScoredBox>[batch.Sizes.Length];
        var first = 0;
        foreach (var (n, count) in proposals.PerPicture.Download().Index())
        {
            found[n] = [.. Enumerable.Range(first, count).Select(i => new ScoredBox(boxes[i], scores[i], 0))
                .Where(b => b.Score > ScoreThreshold)];
            first += count;
        }
        return ToObjects(found, batch);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        Rpn.Dispose();
        base.Dispose(disposing);
    }
}
