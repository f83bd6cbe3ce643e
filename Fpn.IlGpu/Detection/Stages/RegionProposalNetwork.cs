using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Detection;

/// <summary>The region proposal network (paper, section 4.1): its head, its anchors, and the selection of proposals.</summary>
internal sealed class RegionProposalNetwork
{
    private readonly Anchors anchors;
    private readonly ModelConfiguration configuration;
    private readonly Runtime.Device device;

    /// <summary>Reads the RPN of a model.</summary>
    /// <param name="source">The model to read from.</param>
    /// <param name="anchors">The anchors; the caller disposes them.</param>
    /// <exception cref="Tensors.WeightsException">
    /// The head predicts another number of anchors than the configuration describes.
    /// </exception>
    public RegionProposalNetwork(ModelSource source, Anchors anchors)
    {
        device = source.Device;
        configuration = source.Configuration;
        this.anchors = anchors;
        Head = source.Network.Rpn!;
        ModelChecks.AnchorsFit(source, anchors, Head.AnchorsPerLocation);
    }

    public RpnHead Head { get; }

    /// <summary>Selects the best boxes of all levels; the caller disposes them.</summary>
    public RoiSet FindProposals(RpnOutput output, InputBatch batch)
        => Proposals.Find(device, output, anchors, batch.Input.Shape.H, batch.Input.Shape.W, batch.Pictures.View, Settings);

    /// <summary>Selects and decodes the best anchors of each level, before NMS; the caller disposes them.</summary>
    public ProposalCandidates Candidates(RpnOutput output, InputBatch batch)
        => Proposals.Decode(device, output, anchors, batch.Input.Shape.H, batch.Input.Shape.W, batch.Pictures.View, Settings);

    /// <summary>The limits of the selection.</summary>
    public ProposalSettings Settings => new(
        configuration.RpnPreNmsTopN, configuration.RpnPostNmsTopN, configuration.RpnNmsThreshold, configuration.RpnScoreThreshold);
}
