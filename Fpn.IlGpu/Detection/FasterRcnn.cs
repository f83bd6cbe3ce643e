using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Detection;

/// <summary>
/// Faster R-CNN on a Feature Pyramid Network (Lin et al., CVPR 2017): finds objects in pictures.
/// <code>
/// using var device = Device.Open();
/// using var detector = FasterRcnn.Load(device);
/// var found = detector.Detect("picture.jpg");
/// </code>
/// </summary>
/// <remarks>
/// May be called from any thread; calls on one device run one after the other. After the first picture of a size,
/// detecting allocates no device memory. Disposing it frees its weights; the device stays the caller's.
/// </remarks>
public sealed class FasterRcnn : IDisposable
{
    private readonly Device device;
    private readonly ModelConfiguration configuration;
    private float scoreThreshold;
    private bool disposed;

    private FasterRcnn(Device device, StateDictionary state, ModelConfiguration configuration)
    {
        this.device = device;
        this.configuration = configuration;
        var weights = new WeightReader(device, state, configuration.BatchNormEpsilon);
        Transform = new InputTransform(device, configuration);
        Backbone = ResNet.Read(device, weights, "backbone.body", configuration.StrideInFirstConvolution);
        Pyramid = FeaturePyramid.Read(device, weights, "backbone.fpn", Backbone.Channels);
        RpnHead = RpnHead.Read(device, weights, "rpn.head", Pyramid.Channels);
        BoxHead = BoxHead.Read(device, weights, "roi_heads", Pyramid.Channels);
        Anchors = new Anchors(device, configuration.AnchorSizes, configuration.AspectRatios, configuration.RoundAnchors);
        Classes = ModelChecks.ClassNames(state, configuration, BoxHead.Classes);
        ModelChecks.AnchorsFit(state, Anchors, RpnHead, Backbone.Channels.Count + 1);
        scoreThreshold = configuration.BoxScoreThreshold;
    }

    /// <summary>The names of the classes by id, the background's among them.</summary>
    public IReadOnlyList<string> Classes { get; }

    /// <summary>
    /// Only detections with a score above this are returned, 0…1; at first it is the model's own (as a rule 0.05).
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not within 0…1.</exception>
    public float ScoreThreshold
    {
        get => scoreThreshold;
        set => scoreThreshold = value is >= 0 and <= 1
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, "A score threshold lies within 0…1.");
    }

    internal InputTransform Transform { get; }

    internal IBackbone Backbone { get; }

    internal FeaturePyramid Pyramid { get; }

    internal RpnHead RpnHead { get; }

    internal BoxHead BoxHead { get; }

    internal Anchors Anchors { get; }

    /// <summary>Loads a model.</summary>
    /// <param name="device">Where it runs; it must outlive the model.</param>
    /// <param name="path">A safetensors file, or null for the model that comes with the library.</param>
    /// <exception cref="WeightsException">The file is missing, broken, or holds no such model.</exception>
    /// <exception cref="DeviceException">The device is out of memory.</exception>
    public static FasterRcnn Load(Device device, string? path = null)
    {
        ArgumentNullException.ThrowIfNull(device);
        using var state = path is null ? ShippedModel.Open() : Safetensors.Open(path);
        return Load(device, state);
    }

    /// <summary>Loads a model from tensors that are already open; they may be closed afterwards.</summary>
    internal static FasterRcnn Load(Device device, StateDictionary state)
    {
        var configuration = ModelConfiguration.Of(state);
        ModelChecks.Understood(state, configuration);
        lock (device.Lock)
        {
            return device.Guard(() =>
            {
                // What a model that turns out not to load has put on the device goes back.
                using var scope = device.Memory.BeginPicture();
                var detector = new FasterRcnn(device, state, configuration);
                scope.Keep();
                return detector;
            });
        }
    }

    /// <summary>Finds the objects in a picture file.</summary>
    /// <param name="path">JPEG, PNG, BMP or WebP.</param>
    /// <param name="cancellation">Stops between two stages of the work.</param>
    /// <returns>Best first.</returns>
    /// <exception cref="PictureException">The file is missing or no picture that can be read.</exception>
    /// <exception cref="DeviceException">The device is out of memory or failed.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public IReadOnlyList<DetectedObject> Detect(string path, CancellationToken cancellation = default)
        => Detect(PictureReader.Read(path), cancellation);

    /// <summary>Finds the objects in a picture that a stream holds as a file would.</summary>
    /// <param name="stream">JPEG, PNG, BMP or WebP, from where it stands on; it stays open.</param>
    /// <param name="cancellation">Stops between two stages of the work.</param>
    /// <returns>Best first.</returns>
    /// <exception cref="PictureException">It holds no picture that can be read.</exception>
    /// <exception cref="DeviceException">The device is out of memory or failed.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public IReadOnlyList<DetectedObject> Detect(Stream stream, CancellationToken cancellation = default)
        => Detect(PictureReader.Read(stream), cancellation);

    /// <summary>Finds the objects in pixels.</summary>
    /// <param name="rgb">[height, width, 3], 8 bit, RGB, rows from top to bottom.</param>
    /// <param name="width">In px.</param>
    /// <param name="height">In px.</param>
    /// <param name="cancellation">Stops between two stages of the work.</param>
    /// <returns>Best first.</returns>
    /// <exception cref="ArgumentException">The number of bytes is not width · height · 3.</exception>
    /// <exception cref="DeviceException">The device is out of memory or failed.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public IReadOnlyList<DetectedObject> Detect(ReadOnlySpan<byte> rgb, int width, int height, CancellationToken cancellation = default)
        => Detect(new RgbImage(width, height, rgb.ToArray()), cancellation);

    /// <summary>Finds the objects in a picture.</summary>
    /// <param name="picture">The picture.</param>
    /// <param name="cancellation">Stops between two stages of the work.</param>
    /// <returns>Best first.</returns>
    /// <exception cref="DeviceException">The device is out of memory or failed.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public IReadOnlyList<DetectedObject> Detect(RgbImage picture, CancellationToken cancellation = default)
        => Detect([picture], cancellation)[0];

    /// <summary>Finds the objects in each picture of a batch; they may be of different sizes.</summary>
    /// <param name="pictures">The pictures; none is fine.</param>
    /// <param name="cancellation">Stops between two stages of the work.</param>
    /// <returns>For each picture, best first.</returns>
    /// <exception cref="DeviceException">The device is out of memory or failed.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The detector or its device was disposed.</exception>
    public IReadOnlyList<IReadOnlyList<DetectedObject>> Detect(IReadOnlyList<RgbImage> pictures, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(pictures);
        if (pictures.Count == 0)
            return [];
        lock (device.Lock)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            cancellation.ThrowIfCancellationRequested();
            return device.Guard(() => DetectOnDevice(pictures, cancellation));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (device.Lock)
        {
            if (disposed)
                return;
            disposed = true;
            Backbone.Dispose();
            Pyramid.Dispose();
            RpnHead.Dispose();
            BoxHead.Dispose();
            Anchors.Dispose();
        }
    }

    /// <summary>
    /// The stages of the paper, in order. What they compute stays on the device until the last line fetches the
    /// detections; small tables of sizes go the other way.
    /// </summary>
    private List<IReadOnlyList<DetectedObject>> DetectOnDevice(IReadOnlyList<RgbImage> pictures, CancellationToken cancellation)
    {
        using var scope = device.Memory.BeginPicture();
        using var batch = Transform.Run(pictures);
        var bottomUp = Backbone.Run(batch.Input);
        cancellation.ThrowIfCancellationRequested();
        using var pyramid = Pyramid.Run(bottomUp);
        cancellation.ThrowIfCancellationRequested();
        using var rpn = RpnHead.Run(pyramid);
        cancellation.ThrowIfCancellationRequested();
        using var proposals = FindProposals(rpn, batch);
        using var predictions = PredictBoxes(pyramid, proposals, batch);
        cancellation.ThrowIfCancellationRequested();
        return SelectDetections(predictions, proposals, batch);
    }

    internal ProposalList FindProposals(RpnOutput rpn, InputBatch batch)
        => Proposals.Find(
            device, rpn, Anchors, batch.Input.Shape.H, batch.Input.Shape.W, batch.Pictures.View,
            new ProposalSettings(
                configuration.RpnPreNmsTopN, configuration.RpnPostNmsTopN, configuration.RpnNmsThreshold, configuration.RpnScoreThreshold));

    internal Tensor PoolFeatures(FeatureMaps pyramid, ProposalList proposals, InputBatch batch)
        => RoiFeatures.Pool(
            device, pyramid, proposals, batch.Input.Shape.H, BoxHead.Bins,
            new RoiSettings(configuration.RoiSamplingRatio, configuration.RoiAligned, configuration.RoiLevelEpsilon));

    internal BoxPredictions PredictBoxes(FeatureMaps pyramid, ProposalList proposals, InputBatch batch)
    {
        using var roiFeatures = PoolFeatures(pyramid, proposals, batch);
        using var features = BoxHead.Features(roiFeatures, proposals.Total.View);
        return BoxHead.Predict(features, proposals.Total.View);
    }

    internal List<IReadOnlyList<DetectedObject>> SelectDetections(BoxPredictions predictions, ProposalList proposals, InputBatch batch)
    {
        var n = batch.Input.Shape.N;
        var most = configuration.BoxDetectionsPerImage;
        var weights = configuration.BoxWeights;
        var settings = new PostProcessSettings(
            scoreThreshold, configuration.BoxNmsThreshold, most,
            new BoxWeights(weights[0], weights[1], weights[2], weights[3]), configuration.BackgroundLast);
        using var detections = device.Rent<DeviceDetection>((long)n * most);
        using var counts = device.Rent<int>(n);
        PostProcess.Run(device, predictions, proposals, batch.Pictures.View, settings, detections.View, counts.View);

        var found = detections.Download();
        return [.. counts.Download().Select((count, i) => (IReadOnlyList<DetectedObject>)
            [.. found.AsSpan(i * most, count).ToArray().Select(
                d => new DetectedObject(Classes[d.ClassId], d.ClassId, d.Score, d.BoxImagePx))])];
    }
}
