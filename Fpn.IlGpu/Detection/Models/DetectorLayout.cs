using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Detection;

/// <summary>The sizes of all layers of a detector, from which its network can be built. Only the heads of its kind are there.</summary>
/// <param name="Backbone">The backbone.</param>
/// <param name="Maps">The number of backbone maps that the pyramid uses, counted from the coarsest.</param>
/// <param name="Pyramid">The pyramid.</param>
/// <param name="Rpn">The RPN's head.</param>
/// <param name="Boxes">The box head.</param>
/// <param name="Masks">The mask head.</param>
/// <param name="Retina">RetinaNet's head.</param>
/// <param name="MaskProposals">The head that proposes masks.</param>
internal sealed record DetectorLayout(
    BackboneLayout Backbone, int Maps, PyramidLayout Pyramid, RpnHeadLayout? Rpn = null, BoxHeadLayout? Boxes = null,
    MaskHeadLayout? Masks = null, RetinaHeadLayout? Retina = null, MaskProposalLayout? MaskProposals = null)
{
    /// <summary>Reads the layout of a model file from the names and shapes of its tensors.</summary>
    /// <param name="weights">Reads the tensors' shapes.</param>
    /// <param name="configuration">The model's configuration.</param>
    /// <param name="backbone">A backbone that the library doesn't know; null to find out which of its own the file has.</param>
    /// <exception cref="Tensors.WeightsException">A tensor is missing, or the shapes are inconsistent.</exception>
    public static DetectorLayout Read(WeightReader weights, ModelConfiguration configuration, BackboneLayout? backbone = null)
    {
        backbone ??= BackboneLayout.Read(weights, DetectorNetwork.BackboneName, configuration.StrideInFirstConvolution);
        var maps = PyramidLayout.MapCount(weights, DetectorNetwork.PyramidName);
        if (maps > backbone.MostMaps)
        {
            throw weights.Error(
                $"its pyramid needs {maps} maps, but '{DetectorNetwork.BackboneName}' has {backbone.MostMaps}.");
        }
        var built = backbone.Build(new LayerSet(), DetectorNetwork.BackboneName, maps);
        var pyramid = PyramidLayout.Read(weights, DetectorNetwork.PyramidName, configuration.Pyramid, built.Channels);
        var levels = pyramid.Build(new LayerSet(), DetectorNetwork.PyramidName, built).Levels;
        var layout = new DetectorLayout(backbone, maps, pyramid);
        return configuration.Detector switch
        {
            DetectorKind.RetinaNet => layout with { Retina = RetinaHeadLayout.Read(weights, DetectorNetwork.RetinaName) },
            DetectorKind.ProposalNetwork => layout with { Rpn = Rpn() },
            DetectorKind.MaskProposals => layout with
            {
                MaskProposals = MaskProposalLayout.Read(weights, DetectorNetwork.MaskProposalsName),
            },
            DetectorKind.FastRcnn => layout with { Boxes = Boxes() },
            DetectorKind.MaskRcnn => layout with { Rpn = Rpn(), Boxes = Boxes(), Masks = Masks() },
            _ => layout with { Rpn = Rpn(), Boxes = Boxes() },
        };

        RpnHeadLayout Rpn() => RpnHeadLayout.Read(weights, DetectorNetwork.RpnName, levels);

        MaskHeadLayout Masks() => MaskHeadLayout.Read(weights, DetectorNetwork.RoiHeadsName);

        BoxHeadLayout Boxes()
            => BoxHeadLayout.Read(weights, DetectorNetwork.RoiHeadsName, pyramid.Channels, configuration.BackgroundLast, configuration.StrideInFirstConvolution);
    }
}
