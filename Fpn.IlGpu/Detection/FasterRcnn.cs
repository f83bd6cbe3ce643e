using Fpn.IlGpu.Networks;

namespace Fpn.IlGpu.Detection;

/// <summary>
/// Faster R-CNN on a Feature Pyramid Network (Lin et al., sections 4 and 5.2): the RPN proposes regions on every level, and the
/// Fast R-CNN head classifies each region and refines its box.
/// </summary>
public class FasterRcnn : FastRcnn
{
    internal FasterRcnn(ModelSource source)
        : base(source)
        => Rpn = new RegionProposalNetwork(source, Anchors);

    internal override string Description => $"{Rpn.Head.Description}; {base.Description}";

    internal RegionProposalNetwork Rpn { get; }

    /// <summary>Runs the RPN and selects its proposals.</summary>
    private protected override RoiSet FindProposals(
        Tape tape, FeatureMaps pyramid, InputBatch batch, CancellationToken cancellation)
    {
        Device.Stage("RPN head");
        using var rpn = Rpn.Head.Run(tape, pyramid);
        cancellation.ThrowIfCancellationRequested();
        Device.Stage("proposals");
        return Rpn.FindProposals(rpn, batch);
    }
}
