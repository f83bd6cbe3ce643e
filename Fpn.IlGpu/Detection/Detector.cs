using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Detection;

/// <summary>
/// Finds objects in pictures with a network that stands on a Feature Pyramid Network (Lin et al., CVPR 2017).
/// <code>
/// using var device = Device.Open();
/// using var detector = Detector.Load(device);
/// var found = detector.Detect("picture.jpg");
/// </code>
/// What all detectors share is here: the input, the backbone, the pyramid. What each makes of the pyramid is its
/// <see cref="DetectIn"/>: <see cref="FastRcnn"/>, <see cref="FasterRcnn"/>, <see cref="MaskRcnn"/>, <see cref="RetinaNet"/>,
/// <see cref="ProposalNetwork"/>.
/// </summary>
/// <remarks>
/// May be called from any thread; calls on one device run one after the other. After the first picture of a size,
/// detecting allocates no device memory. Disposing it frees its weights; the device stays the caller's.
/// </remarks>
public abstract class Detector : IDisposable
{
    private float scoreThreshold;
    private bool disposed;

    private protected Detector(ModelSource source)
    {
        Device = source.Device;
        Configuration = source.Configuration;
        Weights = source.Weights;
        Transform = new InputTransform(Device, Configuration);
        var maps = Networks.Pyramid.MapCount(Weights, "backbone.fpn");
        Backbone = Networks.Backbone.Read(Device, Weights, "backbone.body", Configuration.StrideInFirstConvolution, maps);
        Pyramid = Networks.Pyramid.Read(Configuration.Pyramid, Device, Weights, "backbone.fpn", Backbone.Channels);
        Anchors = new Anchors(
            Device, Configuration.AnchorSizes, Configuration.AspectRatios, Configuration.RoundAnchors, Configuration.AnchorStridesDouble);
        ModelChecks.LevelsFit(source, Anchors, Pyramid);
        scoreThreshold = Configuration.BoxScoreThreshold;
    }

    /// <summary>The names of the classes by id, the background's among them where the model has one.</summary>
    public abstract IReadOnlyList<string> Classes { get; }

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

    /// <summary>The conventions and settings that it runs with.</summary>
    public ModelConfiguration Configuration { get; }

    /// <summary>What stands on the pyramid, for people.</summary>
    internal abstract string Description { get; }

    /// <summary>IoU, and how many of a picture, by which an image pyramid's finds are merged.</summary>
    private protected virtual (float NmsThreshold, int Most) MergeLimits
        => (Configuration.BoxNmsThreshold, Configuration.BoxDetectionsPerImage);

    internal Device Device { get; }

    /// <summary>Which tensors were read, and which were not.</summary>
    internal WeightReader Weights { get; }

    internal InputTransform Transform { get; }

    internal IBackbone Backbone { get; }

    internal IPyramid Pyramid { get; }

    internal Anchors Anchors { get; }

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
    {
        RgbImage.CheckLength(width, height, rgb.Length, nameof(rgb));
        unsafe
        {
            fixed (byte* first = rgb)
            {
                // Nothing holds on to it beyond the call.
                using var pixels = new PinnedPixels(first, rgb.Length);
                return Detect([new InputPicture(width, height, pixels.Memory)], DetectIn, cancellation)[0];
            }
        }
    }

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
        return Detect([.. pictures.Select(picture => (InputPicture)picture)], DetectIn, cancellation);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (Device.Lock)
        {
            if (disposed)
                return;
            disposed = true;
            Dispose(disposing: true);
        }
        GC.SuppressFinalize(this);
    }

    /// <summary>Runs a detection on the device.</summary>
    /// <param name="pictures">At least one.</param>
    /// <param name="detectIn">From the pyramid to objects, as <see cref="DetectIn"/> does.</param>
    /// <param name="cancellation">Asked between two stages.</param>
    private protected IReadOnlyList<DetectedObject>[] Detect(
        IReadOnlyList<InputPicture> pictures, Func<FeatureMaps, InputBatch, CancellationToken, IReadOnlyList<DetectedObject>[]> detectIn,
        CancellationToken cancellation)
    {
        lock (Device.Lock)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            cancellation.ThrowIfCancellationRequested();
            return Device.Guard(() => DetectAtEachSize(pictures, detectIn, cancellation));
        }
    }

    /// <summary>At one size; or, of an image pyramid, at each.</summary>
    private IReadOnlyList<DetectedObject>[] DetectAtEachSize(
        IReadOnlyList<InputPicture> pictures, Func<FeatureMaps, InputBatch, CancellationToken, IReadOnlyList<DetectedObject>[]> detectIn,
        CancellationToken cancellation)
    {
        if (Configuration.ImagePyramid.Length == 0)
            return DetectAt(Configuration.MinSize, pictures, detectIn, cancellation);
        var found = Configuration.ImagePyramid.Select(side => DetectAt(side, pictures, detectIn, cancellation)).ToList();
        var (threshold, most) = MergeLimits;
        return [.. pictures.Select((_, n) => ImagePyramid.Merge(found.Select(at => at[n]), threshold, most))];
    }

    /// <summary>The first stages of the paper; what they compute stays on the device.</summary>
    private IReadOnlyList<DetectedObject>[] DetectAt(
        int minSize, IReadOnlyList<InputPicture> pictures, Func<FeatureMaps, InputBatch, CancellationToken, IReadOnlyList<DetectedObject>[]> detectIn,
        CancellationToken cancellation)
    {
        using var scope = Device.Memory.BeginPicture();
        Device.Stage("preprocess");
        using var batch = Transform.Run(pictures, minSize);
        Device.Stage("backbone");
        var bottomUp = Backbone.Run(batch.Input);
        cancellation.ThrowIfCancellationRequested();
        Device.Stage("pyramid");
        using var pyramid = Pyramid.Run(bottomUp);
        cancellation.ThrowIfCancellationRequested();
        return detectIn(pyramid, batch, cancellation);
    }

    /// <summary>From the pyramid to objects: what makes one detector another.</summary>
    /// <param name="pyramid">[N, Hl, Wl, d], finest first.</param>
    /// <param name="batch">The input, and the sizes that lead back to the pictures.</param>
    /// <param name="cancellation">Asked between two stages.</param>
    /// <returns>For each picture, best first.</returns>
    private protected abstract IReadOnlyList<DetectedObject>[] DetectIn(
        FeatureMaps pyramid, InputBatch batch, CancellationToken cancellation);

    /// <summary>Frees the weights.</summary>
    /// <param name="disposing">Always true: there is nothing to finalise.</param>
    protected virtual void Dispose(bool disposing)
    {
        Backbone.Dispose();
        Pyramid.Dispose();
        Anchors.Dispose();
    }

    /// <summary>The boxes found in the network's input as objects of the pictures.</summary>
    internal IReadOnlyList<DetectedObject>[] ToObjects(List<ScoredBox>[] found, InputBatch batch)
        => [.. found.Zip(batch.Sizes, (boxes, size) => (IReadOnlyList<DetectedObject>)
            [.. boxes.Select(b => new DetectedObject(Classes[b.ClassId], b.ClassId, b.Score, ToImagePx(b.BoxInputPx, size)))])];

    /// <summary>A box in px of the original picture.</summary>
    private protected static Box ToImagePx(Box boxInputPx, ResizedPicture size)
    {
        var scaleX = (float)size.W / size.ResizedW;
        var scaleY = (float)size.H / size.ResizedH;
        return new Box(boxInputPx.X1 * scaleX, boxInputPx.Y1 * scaleY, boxInputPx.X2 * scaleX, boxInputPx.Y2 * scaleY);
    }

    /// <summary>A box of the original picture in px of the network's input.</summary>
    private protected static Box ToInputPx(Box boxImagePx, ResizedPicture size)
    {
        var scaleX = (float)size.ResizedW / size.W;
        var scaleY = (float)size.ResizedH / size.H;
        return new Box(boxImagePx.X1 * scaleX, boxImagePx.Y1 * scaleY, boxImagePx.X2 * scaleX, boxImagePx.Y2 * scaleY);
    }
}
