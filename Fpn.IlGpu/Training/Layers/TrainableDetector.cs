using System.Diagnostics.CodeAnalysis;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Training;

/// <summary>
/// Faster R-CNN on a Feature Pyramid Network, composed on a tape of the very tensors that <see cref="FasterRcnn"/> reads: what is
/// trained here loads there. So are its halves, the RPN alone and Fast R-CNN (see <see cref="DetectorKind"/>).
/// <code>
/// using var tape = new Tape(device);
/// var pyramid = network.Pyramid(tape, input);
/// var rpn = network.Rpn(tape, pyramid);
/// losses.OfRpn(tape, rpn, …);
/// var boxes = network.Boxes(tape, pyramid, regions);
/// losses.OfBoxes(tape, boxes, …);
/// tape.Backward();
/// network.Parameters.Step(settings);
/// </code>
/// </summary>
internal sealed class TrainableDetector : IDisposable
{
    private readonly TrainableResNet backbone;
    private readonly TrainablePyramid pyramid;
    private readonly TrainableRpnHead? rpn;
    private readonly TrainableBoxHead? boxHead;

    /// <summary>Reads one.</summary>
    /// <param name="device">Where to.</param>
    /// <param name="state">As <see cref="Checkpoint"/> gives them; it may be closed afterwards.</param>
    /// <param name="frozenStages">Of the backbone: 0 for none, 1 for the stem, 2 for the first stage of blocks, too, …</param>
    /// <param name="norms">What becomes of batch norms.</param>
    /// <exception cref="WeightsException">Something is missing, or shapes don't fit one another.</exception>
    public TrainableDetector(Device device, StateDictionary state, int frozenStages, NormTraining norms)
    {
        Configuration = ModelConfiguration.Of(state);
        var source = new WeightReader(device, state, Configuration.BatchNormEpsilon);
        Parameters = new ParameterSet(device, source);
        var training = new LayerTraining(IsTrained: true, norms, Configuration.BatchNormEpsilon);
        var maps = Networks.Pyramid.MapCount(source, "backbone.fpn");
        backbone = new TrainableResNet(
            Parameters, "backbone.body", Configuration.StrideInFirstConvolution, maps, frozenStages, training);
        pyramid = new TrainablePyramid(Configuration.Pyramid, Parameters, "backbone.fpn", backbone.Channels, training);
        if (Configuration.Detector != DetectorKind.FastRcnn)
        {
            if (Configuration.AnchorSizes.Length != pyramid.Levels)
            {
                throw source.Error(
                    $"the configuration gives anchor sizes for {Configuration.AnchorSizes.Length} levels, but its pyramid has "
                    + $"{pyramid.Levels}.");
            }
            rpn = new TrainableRpnHead(Parameters, "rpn.head", pyramid.Channels, pyramid.Levels, training);
        }
        if (Configuration.Detector != DetectorKind.ProposalNetwork)
        {
            boxHead = new TrainableBoxHead(
                Parameters, "roi_heads", pyramid.Channels, Configuration.StrideInFirstConvolution, training);
        }
    }

    /// <summary>The conventions that it is trained by.</summary>
    public ModelConfiguration Configuration { get; }

    /// <summary>Its tensors.</summary>
    public ParameterSet Parameters { get; }

    /// <summary>Whether it proposes regions; Fast R-CNN does not.</summary>
    [MemberNotNullWhen(true, nameof(rpn))]
    public bool HasRpn => rpn is not null;

    /// <summary>Whether it says what is in regions; an RPN alone does not.</summary>
    [MemberNotNullWhen(true, nameof(boxHead))]
    public bool HasBoxHead => boxHead is not null;

    /// <summary>The number of classes, the background counted; 0 without a box head.</summary>
    public int Classes => boxHead?.Classes ?? 0;

    /// <summary>A; 0 without an RPN.</summary>
    public int AnchorsPerLocation => rpn?.AnchorsPerLocation ?? 0;

    /// <summary>Backbone and pyramid.</summary>
    /// <param name="tape">On which.</param>
    /// <param name="input">[N, H, W, 3]; it becomes the tape's.</param>
    public VariableMaps Pyramid(Tape tape, Tensor input) => pyramid.Run(tape, backbone.Run(tape, tape.Input(input)));

    /// <summary>The region proposal network's head.</summary>
    /// <exception cref="InvalidOperationException">It has none.</exception>
    public RpnVariables Rpn(Tape tape, VariableMaps maps)
        => HasRpn ? rpn.Run(tape, maps) : throw new InvalidOperationException("Fast R-CNN has no RPN.");

    /// <summary>The RoIs of a step, as <see cref="Boxes"/> takes them; the caller disposes them.</summary>
    /// <param name="maps">The pyramid that they are read from.</param>
    /// <param name="boxesInputPx">[R].</param>
    /// <param name="pictures">[R].</param>
    /// <param name="inputH">Height of the padded input, in px.</param>
    public Regions Regions(VariableMaps maps, ReadOnlySpan<Box> boxesInputPx, ReadOnlySpan<int> pictures, int inputH)
        => new(
            Parameters.Device, boxesInputPx, pictures, maps.Values, pyramid.MergedLevels, inputH, Configuration.RoiLevelEpsilon);

    /// <summary>RoI features and the head on them.</summary>
    /// <param name="tape">On which.</param>
    /// <param name="maps">The pyramid.</param>
    /// <param name="regions">They must live as long as the tape.</param>
    /// <exception cref="InvalidOperationException">It has no such head.</exception>
    public BoxVariables Boxes(Tape tape, VariableMaps maps, Regions regions)
    {
        if (!HasBoxHead)
            throw new InvalidOperationException("An RPN alone has no box head.");
        using var features = tape.RoiFeatures(maps, regions, boxHead.Bins, RoiSettings.Of(Configuration));
        return boxHead.Run(tape, features);
    }

    /// <summary>All of its tensors on the host, with the configuration: what <see cref="Detector"/> loads.</summary>
    public StateDictionary ToState() => new(
        "training", Parameters.All.Select(p => p.ToTensor()),
        new Dictionary<string, string> { [ModelConfiguration.MetadataKey] = Configuration.ToJson() });

    /// <inheritdoc/>
    public void Dispose()
    {
        backbone.Dispose();
        pyramid.Dispose();
        rpn?.Dispose();
        boxHead?.Dispose();
        Parameters.Dispose();
    }
}
