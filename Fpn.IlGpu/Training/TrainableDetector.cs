using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Training;

/// <summary>
/// Faster R-CNN on a Feature Pyramid Network, composed on a tape of the very tensors that <see cref="FasterRcnn"/> reads: what is
/// trained here loads there.
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
    private readonly TrainableRpnHead rpn;
    private readonly TrainableBoxHead boxHead;

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
        var maps = FeaturePyramid.MapCount(source, "backbone.fpn");
        backbone = new TrainableResNet(
            Parameters, "backbone.body", Configuration.StrideInFirstConvolution, maps, frozenStages, training);
        pyramid = new TrainablePyramid(Parameters, "backbone.fpn", backbone.Channels, training);
        rpn = new TrainableRpnHead(Parameters, "rpn.head", pyramid.Channels, training);
        boxHead = new TrainableBoxHead(Parameters, "roi_heads", pyramid.Channels, training);
    }

    /// <summary>The conventions that it is trained by.</summary>
    public ModelConfiguration Configuration { get; }

    /// <summary>Its tensors.</summary>
    public ParameterSet Parameters { get; }

    /// <summary>The number of classes, the background counted.</summary>
    public int Classes => boxHead.Classes;

    /// <summary>A.</summary>
    public int AnchorsPerLocation => rpn.AnchorsPerLocation;

    /// <summary>Backbone and pyramid.</summary>
    /// <param name="tape">On which.</param>
    /// <param name="input">[N, H, W, 3]; it becomes the tape's.</param>
    public VariableMaps Pyramid(Tape tape, Tensor input) => pyramid.Run(tape, backbone.Run(tape, tape.Input(input)));

    /// <summary>The region proposal network's head.</summary>
    public RpnVariables Rpn(Tape tape, VariableMaps maps) => rpn.Run(tape, maps);

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
    public BoxVariables Boxes(Tape tape, VariableMaps maps, Regions regions)
    {
        var settings = new RoiSettings(Configuration.RoiSamplingRatio, Configuration.RoiAligned, Configuration.RoiLevelEpsilon);
        using var features = tape.RoiAlign(maps, regions, boxHead.Bins, settings);
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
        rpn.Dispose();
        boxHead.Dispose();
        Parameters.Dispose();
    }
}
