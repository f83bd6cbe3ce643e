using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;

namespace Fpn.IlGpu.Detection;

/// <summary>
/// Finds objects in pictures with a network built on a Feature Pyramid Network (Lin et al., CVPR 2017).
/// <code>
/// using var device = Device.Open();
/// using var detector = Detector.Load(device);
/// var found = detector.Detect("picture.jpg");
/// </code>
/// This class holds what all detectors share: the input, the backbone, the pyramid. Each detector turns the pyramid into objects
/// in its own <see cref="DetectIn"/>: <see cref="FastRcnn"/>, <see cref="FasterRcnn"/>, <see cref="MaskRcnn"/>,
/// <see cref="RetinaNet"/>, <see cref="ProposalNetwork"/>, <see cref="MaskProposalNetwork"/>.
/// </summary>
/// <remarks>
/// It may be called from any thread; calls on one device run one after the other. After the first picture of a given size,
/// detection allocates no device memory. Disposing the detector frees its weights; the caller keeps the device.
/// </remarks>
public abstract partial class Detector : IDisposable
{
    private float scoreThreshold;
    private bool disposed;

    private protected Detector(ModelSource source)
    {
        Device = source.Device;
        Configuration = source.Configuration;
        Weights = source.Weights;
        Network = source.Network;
        Transform = new InputTransform(Device, Configuration);
        Anchors = new Anchors(
            Device, [.. Configuration.AnchorSizes.Select(sizes => sizes.ToArray())], [.. Configuration.AspectRatios],
            Configuration.RoundAnchors, Configuration.AnchorStridesDouble);
        ModelChecks.LevelsFit(source, Anchors, Pyramid);
        scoreThreshold = Configuration.BoxScoreThreshold;
    }

    /// <summary>The names of the classes by id, including the background if the model has one.</summary>
    public abstract IReadOnlyList<string> Classes { get; }

    /// <summary>
    /// Only detections with a score above this are returned, 0…1. The initial value comes from the model (usually 0.05).
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not within 0…1.</exception>
    public float ScoreThreshold
    {
        get => scoreThreshold;
        set => scoreThreshold = value is >= 0 and <= 1
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, "A score threshold must be within 0…1.");
    }

    /// <summary>The conventions and settings of the model.</summary>
    public ModelConfiguration Configuration { get; }

    /// <summary>A description of the heads, for users.</summary>
    internal abstract string Description { get; }

    /// <summary>The limits for merging an image pyramid's detections: the IoU threshold, and the most detections per picture.</summary>
    private protected virtual (float NmsThreshold, int Most) MergeLimits
        => (Configuration.BoxNmsThreshold, Configuration.BoxDetectionsPerImage);

    internal Device Device { get; }

    /// <summary>The reader that loaded the model; it knows which tensors were used.</summary>
    internal WeightReader Weights { get; }

    internal InputTransform Transform { get; }

    internal DetectorNetwork Network { get; }

    /// <summary>The parameters of a detector that was loaded to be trained.</summary>
    internal ParameterSet Parameters => Network.Layers.Parameters
        ?? throw new InvalidOperationException("The detector was loaded for inference, without its parameters.");

    internal IBackbone Backbone => Network.Backbone;

    internal IPyramid Pyramid => Network.Pyramid;

    internal Anchors Anchors { get; }

    /// <summary>Finds the objects in a picture file.</summary>
    /// <param name="path">A JPEG, PNG, BMP or WebP file.</param>
    /// <param name="cancellation">Checked between two stages of the work.</param>
    /// <returns>The objects, best first.</returns>
    /// <exception cref="PictureException">The file is missing, or is not a readable picture.</exception>
    /// <exception cref="DeviceException">The device is out of memory or failed.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public IReadOnlyList<DetectedObject> Detect(string path, CancellationToken cancellation = default)
        => Detect(PictureReader.Read(path), cancellation);

    /// <summary>Finds the objects in an encoded picture that is read from a stream.</summary>
    /// <param name="stream">JPEG, PNG, BMP or WebP data from the current position on; the stream stays open.</param>
    /// <param name="cancellation">Checked between two stages of the work.</param>
    /// <returns>The objects, best first.</returns>
    /// <exception cref="PictureException">The stream does not hold a readable picture.</exception>
    /// <exception cref="DeviceException">The device is out of memory or failed.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public IReadOnlyList<DetectedObject> Detect(Stream stream, CancellationToken cancellation = default)
        => Detect(PictureReader.Read(stream), cancellation);

    /// <summary>Finds the objects in a picture given as pixels, which are not copied on the host.</summary>
    /// <param name="pixels">The 8-bit pixels, rows from top to bottom; there may be more bytes than the picture needs.</param>
    /// <param name="width">The width, in px.</param>
    /// <param name="height">The height, in px.</param>
    /// <param name="format">The order of the channels.</param>
    /// <param name="strideBytes">The distance of two rows, in bytes; 0 if there is no padding between them.</param>
    /// <param name="cancellation">Checked between two stages of the work.</param>
    /// <returns>The objects, best first.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A size is less than 1, or a row does not fit into the stride.</exception>
    /// <exception cref="ArgumentException">There are too few bytes.</exception>
    /// <exception cref="DeviceException">The device is out of memory or failed.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public IReadOnlyList<DetectedObject> Detect(
        ReadOnlySpan<byte> pixels, int width, int height, PixelFormat format = PixelFormat.Rgb, int strideBytes = 0,
        CancellationToken cancellation = default)
    {
        var (bytes, stride) = PixelFrame.Measure(width, height, format, strideBytes);
        PixelFrame.CheckLength(pixels.Length, bytes, width, height, format, nameof(pixels));
        unsafe
        {
            fixed (byte* first = pixels)
            {
                // Nothing keeps a reference to the pixels beyond this call.
                using var pinned = new PinnedPixels(first, bytes);
                return Detect([new PixelFrame(pinned.Memory, width, height, format, stride)], DetectIn, cancellation)[0];
            }
        }
    }

    /// <summary>Finds the objects in a frame; its pixels are not copied on the host.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="cancellation">Checked between two stages of the work.</param>
    /// <returns>The objects, best first.</returns>
    /// <exception cref="ArgumentException">The frame is <c>default</c>, without pixels.</exception>
    /// <exception cref="DeviceException">The device is out of memory or failed.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public IReadOnlyList<DetectedObject> Detect(PixelFrame frame, CancellationToken cancellation = default)
    {
        Batch.Check(frame, nameof(frame));
        return Detect([frame], DetectIn, cancellation)[0];
    }

    /// <summary>Finds the objects in each frame of a batch; the frames may differ in size and format.</summary>
    /// <param name="frames">The frames; the list may be empty.</param>
    /// <param name="cancellation">Checked between two stages of the work.</param>
    /// <returns>The objects of each frame, best first.</returns>
    /// <exception cref="ArgumentException">A frame is <c>default</c>, without pixels.</exception>
    /// <exception cref="DeviceException">The device is out of memory or failed.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public IReadOnlyList<IReadOnlyList<DetectedObject>> Detect(IReadOnlyList<PixelFrame> frames, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(frames);
        foreach (var frame in frames)
            Batch.Check(frame, nameof(frames));
        return frames.Count == 0 ? [] : Detect(frames, DetectIn, cancellation);
    }

    /// <summary>
    /// Finds the objects in an image of ImageSharp. Rgb24, Bgr24, Rgba32, Bgra32 and L8 are read where they are, if the image has its pixels
    /// in one piece; other images are copied.
    /// </summary>
    /// <typeparam name="TPixel">The image's pixels.</typeparam>
    /// <param name="image">The image; of several frames, the first.</param>
    /// <param name="cancellation">Checked between two stages of the work.</param>
    /// <returns>The objects, best first.</returns>
    /// <exception cref="DeviceException">The device is out of memory or failed.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public IReadOnlyList<DetectedObject> Detect<TPixel>(Image<TPixel> image, CancellationToken cancellation = default)
        where TPixel : unmanaged, IPixel<TPixel>
    {
        ArgumentNullException.ThrowIfNull(image);
        return ImageSharpFrames.Read(
            image, (pixels, width, height, format) => Detect(pixels, width, height, format, cancellation: cancellation));
    }

    /// <summary>Finds the objects in a picture.</summary>
    /// <param name="picture">The picture.</param>
    /// <param name="cancellation">Checked between two stages of the work.</param>
    /// <returns>The objects, best first.</returns>
    /// <exception cref="DeviceException">The device is out of memory or failed.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public IReadOnlyList<DetectedObject> Detect(RgbImage picture, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(picture);
        return Detect([picture], cancellation)[0];
    }

    /// <summary>Finds the objects in each picture of a batch; the pictures may differ in size.</summary>
    /// <param name="pictures">The pictures; the list may be empty.</param>
    /// <param name="cancellation">Checked between two stages of the work.</param>
    /// <returns>The objects of each picture, best first.</returns>
    /// <exception cref="ArgumentException">A picture is null.</exception>
    /// <exception cref="DeviceException">The device is out of memory or failed.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The detector or its device was disposed.</exception>
    public IReadOnlyList<IReadOnlyList<DetectedObject>> Detect(IReadOnlyList<RgbImage> pictures, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(pictures);
        if (pictures.Count == 0)
            return [];
        Batch.Check(pictures, nameof(pictures));
        return Detect([.. pictures.Select(PixelFrame.FromRgbImage)], DetectIn, cancellation);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (Device.Lock)
        {
            if (disposed)
                return;
            disposed = true;
            Network.Dispose();
            Anchors.Dispose();
        }
        GC.SuppressFinalize(this);
    }

    /// <summary>Turns the pyramid into objects, as <see cref="DetectIn"/> does.</summary>
    private protected delegate IReadOnlyList<DetectedObject>[] DetectInPyramid(
        Tape tape, FeatureMaps pyramid, InputBatch batch, CancellationToken cancellation);

    /// <summary>Runs the detector on a batch.</summary>
    /// <param name="pictures">At least one picture.</param>
    /// <param name="detectIn">Turns the pyramid into objects, as <see cref="DetectIn"/> does.</param>
    /// <param name="cancellation">Checked between two stages.</param>
    private protected IReadOnlyList<DetectedObject>[] Detect(
        IReadOnlyList<PixelFrame> pictures, DetectInPyramid detectIn,
        CancellationToken cancellation)
    {
        lock (Device.Lock)
        {
            ThrowIfDisposed();
            cancellation.ThrowIfCancellationRequested();
            return Device.Guard(() => DetectAtEachSize(pictures, detectIn, cancellation));
        }
    }

    /// <summary>Throws if the detector was disposed.</summary>
    private protected void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(disposed, this);

    /// <summary>Detects at the configured size, or at each size of the image pyramid if there is one.</summary>
    private IReadOnlyList<DetectedObject>[] DetectAtEachSize(
        IReadOnlyList<PixelFrame> pictures, DetectInPyramid detectIn,
        CancellationToken cancellation)
    {
        if (Configuration.ImagePyramid.Length == 0)
            return DetectAt(Configuration.MinSize, pictures, detectIn, cancellation);
        var found = Configuration.ImagePyramid.Select(side => DetectAt(side, pictures, detectIn, cancellation)).ToList();
        var (threshold, most) = MergeLimits;
        return [.. pictures.Select((_, n) => ImagePyramid.Merge(found.Select(at => at[n]), threshold, most))];
    }

    /// <summary>Runs all stages at one input size; the pyramid stays on the device.</summary>
    private IReadOnlyList<DetectedObject>[] DetectAt(
        int minSize, IReadOnlyList<PixelFrame> pictures, DetectInPyramid detectIn,
        CancellationToken cancellation)
    {
        using var scope = Device.Memory.BeginPicture();
        using var tape = Tape.ForInference(Device);
        Device.Stage("preprocess");
        using var batch = Transform.Run(pictures, minSize);
        Device.Stage("backbone");
        var bottomUp = Backbone.Run(tape, tape.Input(batch.Input));
        cancellation.ThrowIfCancellationRequested();
        Device.Stage("pyramid");
        using var pyramid = Pyramid.Run(tape, bottomUp);
        cancellation.ThrowIfCancellationRequested();
        return detectIn(tape, pyramid, batch, cancellation);
    }

    /// <summary>Turns the pyramid into objects; this is what distinguishes one detector from another.</summary>
    /// <param name="tape">The tape to run on; it records nothing.</param>
    /// <param name="pyramid">The pyramid, [N, Hl, Wl, d].</param>
    /// <param name="batch">The input, and the sizes that map it back to the pictures.</param>
    /// <param name="cancellation">Checked between two stages.</param>
    /// <returns>The objects of each picture, best first.</returns>
    private protected abstract IReadOnlyList<DetectedObject>[] DetectIn(
        Tape tape, FeatureMaps pyramid, InputBatch batch, CancellationToken cancellation);

    /// <summary>Copies all parameters to the host, with the configuration, as a state dict that can be loaded again.</summary>
    internal StateDictionary ToState() => new(
        "training", Parameters.All.Select(p => p.ToTensor()),
        new Dictionary<string, string> { [ModelConfiguration.MetadataKey] = Configuration.ToJson() });

    /// <summary>Converts boxes in input px to objects in px of their pictures.</summary>
    internal IReadOnlyList<DetectedObject>[] ToObjects(List<ScoredBox>[] found, InputBatch batch)
        => [.. found.Zip(batch.Sizes, (boxes, size) => (IReadOnlyList<DetectedObject>)
            [.. boxes.Select(b => new DetectedObject(Classes[b.ClassId], b.ClassId, b.Score, ToImagePx(b.BoxInputPx, size)))])];

    /// <summary>Converts a box from input px to px of the original picture.</summary>
    private protected static Box ToImagePx(Box boxInputPx, ResizedPicture size)
    {
        var scaleX = (float)size.W / size.ResizedW;
        var scaleY = (float)size.H / size.ResizedH;
        return new Box(boxInputPx.X1 * scaleX, boxInputPx.Y1 * scaleY, boxInputPx.X2 * scaleX, boxInputPx.Y2 * scaleY);
    }

    /// <summary>Converts a box from px of the original picture to input px.</summary>
    private protected static Box ToInputPx(Box boxImagePx, ResizedPicture size)
    {
        var scaleX = (float)size.ResizedW / size.W;
        var scaleY = (float)size.ResizedH / size.H;
        return new Box(boxImagePx.X1 * scaleX, boxImagePx.Y1 * scaleY, boxImagePx.X2 * scaleX, boxImagePx.Y2 * scaleY);
    }
}
