using System.Diagnostics.CodeAnalysis;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Training;

/// <summary>
/// Faster R-CNN on a Feature Pyramid Network, or one of its halves, the RPN alone or Fast R-CNN (see <see cref="DetectorKind"/>),
/// composed on a tape. It has the same tensors as <see cref="FasterRcnn"/>, so a trained network can be loaded there.
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

    /// <summary>Reads the network.</summary>
    /// <param name="device">The device to hold it.</param>
    /// <param name="state">The state dict, as <see cref="Checkpoint"/> returns it; it may be closed afterwards.</param>
    /// <param name="frozenStages">The frozen parts of the backbone: 0 for none, 1 for the stem, 2 also for the first stage, …</param>
    /// <param name="norms">The treatment of batch norms.</param>
    /// <exception cref="WeightsException">A tensor is missing, or the shapes are inconsistent.</exception>
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

    /// <summary>The conventions and settings of the model.</summary>
    public ModelConfiguration Configuration { get; }

    /// <summary>Its parameters.</summary>
    public ParameterSet Parameters { get; }

    /// <summary>Whether it has an RPN; Fast R-CNN has none.</summary>
    [MemberNotNullWhen(true, nameof(rpn))]
    public bool HasRpn => rpn is not null;

    /// <summary>Whether it has a box head; an RPN alone has none.</summary>
    [MemberNotNullWhen(true, nameof(boxHead))]
    public bool HasBoxHead => boxHead is not null;

    /// <summary>The number of classes, including the background; 0 without a box head.</summary>
    public int Classes => boxHead?.Classes ?? 0;

    /// <summary>The number of anchors per location, A; 0 without an RPN.</summary>
    public int AnchorsPerLocation => rpn?.AnchorsPerLocation ?? 0;

    /// <summary>Runs the backbone and the pyramid.</summary>
    /// <param name="tape">The tape to record on.</param>
    /// <param name="input">The input, [N, H, W, 3]; the tape takes ownership.</param>
    public VariableMaps Pyramid(Tape tape, Tensor input) => pyramid.Run(tape, backbone.Run(tape, tape.Input(input)));

    /// <summary>Runs the RPN head.</summary>
    /// <exception cref="InvalidOperationException">The network has no RPN.</exception>
    public RpnVariables Rpn(Tape tape, VariableMaps maps)
        => HasRpn ? rpn.Run(tape, maps) : throw new InvalidOperationException("Fast R-CNN has no RPN.");

    /// <summary>Prepares the RoIs of a step for <see cref="Boxes"/>; the caller disposes them.</summary>
    /// <param name="maps">The pyramid to read features from.</param>
    /// <param name="boxesInputPx">The RoIs, [R], in input px.</param>
    /// <param name="pictures">The index of each RoI's picture in the batch, [R].</param>
    /// <param name="inputH">The height of the padded input, in px.</param>
    public Regions Regions(VariableMaps maps, ReadOnlySpan<Box> boxesInputPx, ReadOnlySpan<int> pictures, int inputH)
        => new(
            Parameters.Device, boxesInputPx, pictures, maps.Values, pyramid.MergedLevels, inputH, Configuration.RoiLevelEpsilon);

    /// <summary>Pools RoI features and runs the box head on them.</summary>
    /// <param name="tape">The tape to record on.</param>
    /// <param name="maps">The pyramid.</param>
    /// <param name="regions">The RoIs; they must live as long as the tape.</param>
    /// <exception cref="InvalidOperationException">The network has no box head.</exception>
    public BoxVariables Boxes(Tape tape, VariableMaps maps, Regions regions)
    {
        if (!HasBoxHead)
            throw new InvalidOperationException("An RPN alone has no box head.");
        using var features = tape.RoiFeatures(maps, regions, boxHead.Bins, RoiSettings.Of(Configuration));
        return boxHead.Run(tape, features);
    }

    /// <summary>Copies all tensors to the host, with the configuration, as a state dict that <see cref="Detector"/> can load.</summary>
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
