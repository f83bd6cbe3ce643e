using Fpn.IlGpu.Networks;

namespace Fpn.IlGpu.Detection;

/// <summary>
/// The network of a detector: a backbone, a pyramid, and the heads of its kind. A <see cref="Detector"/> finds objects with it, and a
/// trainer trains it.
/// </summary>
internal sealed class DetectorNetwork : IDisposable
{
    /// <summary>The prefix of the backbone's tensors' names.</summary>
    public const string BackboneName = "backbone.body";

    /// <summary>The prefix of the pyramid's tensors' names.</summary>
    public const string PyramidName = "backbone.fpn";

    /// <summary>The prefix of the RPN head's tensors' names.</summary>
    public const string RpnName = "rpn.head";

    /// <summary>The prefix of the box head's and the mask head's tensors' names.</summary>
    public const string RoiHeadsName = "roi_heads";

    /// <summary>The prefix of RetinaNet's head's tensors' names.</summary>
    public const string RetinaName = "head";

    /// <summary>The prefix of the names of the tensors of the head that proposes masks.</summary>
    public const string MaskProposalsName = "mask_proposals";

    /// <summary>Defines the network; <see cref="LayerSet.Load"/> loads it.</summary>
    /// <param name="layout">The sizes of its layers.</param>
    public DetectorNetwork(DetectorLayout layout)
    {
        Backbone = layout.Backbone.Build(Layers, BackboneName, layout.Maps);
        Pyramid = layout.Pyramid.Build(Layers, PyramidName, Backbone);
        if (layout.Rpn is { } rpn)
            Rpn = new RpnHead(Layers, RpnName, rpn, Pyramid.Channels);
        if (layout.Boxes is { } boxes)
            Boxes = new BoxHead(Layers, RoiHeadsName, boxes, Pyramid.Channels);
        if (layout.Masks is { } masks)
            Masks = new MaskHead(Layers, RoiHeadsName, masks, Pyramid.Channels);
        if (layout.Retina is { } retina)
            Retina = new RetinaHead(Layers, RetinaName, retina, Pyramid.Channels);
        if (layout.MaskProposals is { } proposals)
            MaskProposals = new MaskProposalHead(Layers, MaskProposalsName, proposals, Pyramid.Channels);
    }

    /// <summary>Its layers.</summary>
    public LayerSet Layers { get; } = new();

    /// <summary>The bottom-up pathway.</summary>
    public IBackbone Backbone { get; }

    /// <summary>The top-down pathway with its lateral connections.</summary>
    public IPyramid Pyramid { get; }

    /// <summary>The RPN's head, of the detectors that have one.</summary>
    public RpnHead? Rpn { get; }

    /// <summary>The box head, of the detectors that have one.</summary>
    public BoxHead? Boxes { get; }

    /// <summary>The mask head, of Mask R-CNN.</summary>
    public MaskHead? Masks { get; }

    /// <summary>The head of RetinaNet.</summary>
    public RetinaHead? Retina { get; }

    /// <summary>The head that proposes masks, of the detector that has one.</summary>
    public MaskProposalHead? MaskProposals { get; }

    /// <inheritdoc/>
    public void Dispose() => Layers.Dispose();
}
