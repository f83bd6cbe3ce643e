using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Detection;

/// <summary>
/// Computes the feature maps of pictures: a backbone and, if the weights have one, its pyramid, without a detector's heads.
/// <code>
/// using var device = Device.Open();
/// using var extractor = FeatureExtractor.Load(device, "fasterrcnn_resnet50_fpn.pth");
/// using var features = extractor.Extract(PictureReader.Read("street.jpg"));
/// var p4 = features["P4"].ToHost();                 // [1, H/16, W/16, 256]
/// var value = p4[picture: 0, y: 10, x: 20, channel: 3];
/// </code>
/// Maps have the paper's names: C2 to C5 are the backbone's, P2 to P6 the pyramid's; the number is the base-2 logarithm of the stride.
/// </summary>
/// <remarks>
/// It may be called from any thread; calls on one device run one after the other. Disposing it frees its weights; the caller keeps the
/// device.
/// </remarks>
public sealed class FeatureExtractor : IDisposable
{
    private readonly Device device;
    private readonly InputTransform transform;
    private readonly IBackbone backbone;
    private readonly IPyramid? pyramid;
    private readonly LayerSet? owned;
    private readonly Dictionary<string, int> channels = new(StringComparer.Ordinal);
    private bool disposed;

    private FeatureExtractor(Device device, ModelConfiguration configuration, IBackbone backbone, IPyramid? pyramid, LayerSet? owned)
    {
        this.device = device;
        this.backbone = backbone;
        this.pyramid = pyramid;
        this.owned = owned;
        Configuration = configuration;
        transform = new InputTransform(device, configuration);
        for (var i = 0; i < backbone.Channels.Count; i++)
            channels.Add(FeatureNames.Backbone(backbone.FinestLevel + i), backbone.Channels[i]);
        if (pyramid is null)
            return;
        // Without a pyramid, the backbone's last map is the only level.
        var finest = pyramid is SingleMap ? backbone.FinestLevel + backbone.Channels.Count - 1 : backbone.FinestLevel;
        for (var i = 0; i < pyramid.Levels; i++)
            channels.Add(FeatureNames.Pyramid(finest + i), pyramid.Channels);
    }

    /// <summary>The names of all maps, finest first: C2 to C5, then P2 to P6; a backbone alone has no P.</summary>
    public IReadOnlyList<string> Names => [.. channels.Keys];

    /// <summary>The conventions of the input: sizes, mean, order of channels.</summary>
    public ModelConfiguration Configuration { get; }

    /// <summary>A description of the network, for users.</summary>
    public string Description => pyramid is null ? backbone.Description : $"{backbone.Description}; {pyramid.Description}";

    /// <summary>Loads the backbone and the pyramid of a file; heads in it are ignored.</summary>
    /// <param name="device">The device to run on; it must outlive the extractor.</param>
    /// <param name="path">
    /// A detector or a backbone in any format that <see cref="Checkpoint.Open(string, ModelOptions?)"/> reads, or null for the model that
    /// ships with the library.
    /// </param>
    /// <param name="options">What the file does not say, and what is to be different; null for nothing.</param>
    /// <param name="backbone">The backbone, where it is not one of the library's.</param>
    /// <exception cref="WeightsException">The file is missing or broken, or holds no backbone that is known.</exception>
    /// <exception cref="DeviceException">The device is out of memory.</exception>
    public static FeatureExtractor Load(Device device, string? path = null, ModelOptions? options = null, BackboneLayout? backbone = null)
    {
        ArgumentNullException.ThrowIfNull(device);
        using var state = path is null ? ShippedModel.Open(options) : Checkpoint.OpenAny(path, options);
        return LoadUnderstood(device, state, backbone);
    }

    /// <summary>Loads the backbone and the pyramid of a file that is read from a stream to its end; the stream stays open.</summary>
    /// <param name="device">The device to run on; it must outlive the extractor.</param>
    /// <param name="stream">The bytes of a file, from the current position on; fewer than 2 GiB.</param>
    /// <param name="options">What the file does not say, and what is to be different; null for nothing.</param>
    /// <param name="backbone">The backbone, where it is not one of the library's.</param>
    /// <exception cref="WeightsException">The stream can't be read, or holds no backbone that is known.</exception>
    /// <exception cref="DeviceException">The device is out of memory.</exception>
    public static FeatureExtractor Load(Device device, Stream stream, ModelOptions? options = null, BackboneLayout? backbone = null)
    {
        ArgumentNullException.ThrowIfNull(device);
        using var state = Checkpoint.Understood(WeightsFile.Open(stream), options, allowBackbone: true);
        return LoadUnderstood(device, state, backbone);
    }

    /// <summary>Loads the backbone and the pyramid from the bytes of a file, which are not needed afterwards.</summary>
    /// <param name="device">The device to run on; it must outlive the extractor.</param>
    /// <param name="bytes">The whole file.</param>
    /// <param name="options">What the file does not say, and what is to be different; null for nothing.</param>
    /// <param name="backbone">The backbone, where it is not one of the library's.</param>
    /// <exception cref="WeightsException">The bytes hold no backbone that is known.</exception>
    /// <exception cref="DeviceException">The device is out of memory.</exception>
    public static FeatureExtractor Load(Device device, ReadOnlyMemory<byte> bytes, ModelOptions? options = null, BackboneLayout? backbone = null)
    {
        ArgumentNullException.ThrowIfNull(device);
        using var state = Checkpoint.Understood(WeightsFile.Open(bytes), options, allowBackbone: true);
        return LoadUnderstood(device, state, backbone);
    }

    /// <summary>Loads the backbone and the pyramid of an open state dict, which the caller may dispose afterwards.</summary>
    /// <param name="device">The device to run on; it must outlive the extractor.</param>
    /// <param name="state">The tensors, with the names of any known source.</param>
    /// <param name="options">What the tensors do not say, and what is to be different; null for nothing.</param>
    /// <param name="backbone">The backbone, where it is not one of the library's.</param>
    /// <exception cref="WeightsException">The tensors hold no backbone that is known.</exception>
    /// <exception cref="DeviceException">The device is out of memory.</exception>
    public static FeatureExtractor Load(Device device, StateDictionary state, ModelOptions? options = null, BackboneLayout? backbone = null)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(state);
        // Not disposed: that would dispose the caller's.
        return LoadUnderstood(device, Checkpoint.Understand(state, options, allowBackbone: true), backbone);
    }

    /// <summary>Loads a file or a published model, a detector or a backbone, which is downloaded first if it must be.</summary>
    /// <param name="device">The device to run on; it must outlive the extractor.</param>
    /// <param name="model">A file, or a name of <see cref="ModelZoo"/> such as <c>resnet50</c>. A file that exists comes first.</param>
    /// <param name="options">What the file does not say, and what is to be different; null for nothing.</param>
    /// <param name="cache">The folder of downloaded models; null for the user's.</param>
    /// <param name="progress">Receives the progress of the download, on any thread; null for nobody.</param>
    /// <param name="cancellation">Cancels the download; what has arrived is kept for the next time.</param>
    /// <exception cref="WeightsException">
    /// There is neither such a file nor such a model, the download fails, or the file holds no backbone that is known.
    /// </exception>
    /// <exception cref="DeviceException">The device is out of memory.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public static async Task<FeatureExtractor> LoadAsync(
        Device device, string model, ModelOptions? options = null, ModelCache? cache = null,
        IProgress<ModelDownloadProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(device);
        var path = await ModelDownload.FileOfAsync(model, cache, progress, cancellation).ConfigureAwait(false);
        return await Task.Run(() => Load(device, path, options), cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// Uses the backbone and the pyramid of a detector, without loading them again; the detector keeps them and must outlive the extractor.
    /// During training, it has the weights of the last step.
    /// </summary>
    /// <param name="detector">The detector.</param>
    public static FeatureExtractor Of(Detector detector)
    {
        ArgumentNullException.ThrowIfNull(detector);
        return new FeatureExtractor(detector.Device, detector.Configuration, detector.Backbone, detector.Pyramid, owned: null);
    }

    /// <summary>The number of channels of a map.</summary>
    /// <param name="name">Its name: <c>P4</c>.</param>
    /// <exception cref="ArgumentException">There is no such map.</exception>
    public int ChannelsOf(string name)
    {
        Check(name, nameof(name));
        return channels[name];
    }

    /// <summary>Computes the maps of a picture; the caller disposes them.</summary>
    /// <param name="picture">The picture; it is resized as <see cref="Configuration"/> says, and padded.</param>
    /// <param name="names">The names of the maps to keep, such as <c>C5</c> and <c>P3</c>; null for all.</param>
    /// <param name="cancellation">Checked between two stages of the work.</param>
    /// <exception cref="ArgumentException">There is no map of a name.</exception>
    /// <exception cref="DeviceException">The device is out of memory or failed.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public FeatureSet Extract(RgbImage picture, IReadOnlyCollection<string>? names = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(picture);
        return Extract([picture], names, cancellation);
    }

    /// <summary>Computes the maps of a frame; the caller disposes them.</summary>
    /// <param name="frame">The frame; its pixels are not copied on the host.</param>
    /// <param name="names">The names of the maps to keep, such as <c>C5</c> and <c>P3</c>; null for all.</param>
    /// <param name="cancellation">Checked between two stages of the work.</param>
    /// <exception cref="ArgumentException">The frame is <c>default</c>, without pixels, or there is no map of a name.</exception>
    /// <exception cref="DeviceException">The device is out of memory or failed.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public FeatureSet Extract(PixelFrame frame, IReadOnlyCollection<string>? names = null, CancellationToken cancellation = default)
    {
        Batch.Check(frame, nameof(frame));
        return Extract([frame], [.. names ?? channels.Keys], nameof(names), cancellation);
    }

    /// <summary>Computes the maps of a batch; the pictures are padded to the largest height and width. The caller disposes the maps.</summary>
    /// <param name="pictures">At least one picture; they may differ in size.</param>
    /// <param name="names">The names of the maps to keep; null for all. Without a P among them, the pyramid is not computed.</param>
    /// <param name="cancellation">Checked between two stages of the work.</param>
    /// <exception cref="ArgumentException">There is no picture, a picture is null, or there is no map of a name.</exception>
    /// <exception cref="DeviceException">The device is out of memory or failed.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public FeatureSet Extract(
        IReadOnlyList<RgbImage> pictures, IReadOnlyCollection<string>? names = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(pictures);
        if (pictures.Count == 0)
            throw new ArgumentException("At least one picture is needed.", nameof(pictures));
        Batch.Check(pictures, nameof(pictures));
        return Extract([.. pictures.Select(PixelFrame.FromRgbImage)], [.. names ?? channels.Keys], nameof(names), cancellation);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (device.Lock)
        {
            if (disposed)
                return;
            disposed = true;
            owned?.Dispose();
        }
    }

    private FeatureSet Extract(IReadOnlyList<PixelFrame> frames, HashSet<string> wanted, string parameter, CancellationToken cancellation)
    {
        foreach (var name in wanted)
            Check(name, parameter);
        lock (device.Lock)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            return device.Guard(() => ExtractStages(frames, wanted, cancellation));
        }
    }

    private static FeatureExtractor LoadUnderstood(Device device, StateDictionary state, BackboneLayout? layout)
    {
        var configuration = ModelConfiguration.Of(state);
        lock (device.Lock)
        {
            return device.Guard(() =>
            {
                // If loading fails, this frees the device memory that the layers have taken so far.
                using var scope = device.Memory.BeginPicture();
                var weights = new WeightReader(state, configuration.BatchNormEpsilon);
                layout ??= BackboneLayout.Read(weights, DetectorNetwork.BackboneName, configuration.StrideInFirstConvolution);
                var hasPyramid = !Checkpoint.IsBackbone(state) || weights.HasAny(DetectorNetwork.PyramidName + ".");
                var maps = hasPyramid ? PyramidLayout.MapCount(weights, DetectorNetwork.PyramidName) : layout.MostMaps;
                var layers = new LayerSet();
                var backbone = layout.Build(layers, DetectorNetwork.BackboneName, maps);
                var pyramid = hasPyramid
                    ? PyramidLayout.Read(weights, DetectorNetwork.PyramidName, configuration.Pyramid, backbone.Channels)
                        .Build(layers, DetectorNetwork.PyramidName, backbone)
                    : null;
                layers.Load(device, weights);
                scope.Keep();
                return new FeatureExtractor(device, configuration, backbone, pyramid, layers);
            });
        }
    }

    private void Check(string name, string parameter)
    {
        ArgumentNullException.ThrowIfNull(name, parameter);
        if (!channels.ContainsKey(name))
            throw new ArgumentException($"There is no map '{name}'; the maps are {string.Join(", ", channels.Keys)}.", parameter);
    }

    private FeatureSet ExtractStages(IReadOnlyList<PixelFrame> frames, HashSet<string> wanted, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        using var scope = device.Memory.BeginPicture();
        using var tape = Tape.ForInference(device);
        using var batch = transform.Run(frames);
        var bottomUp = backbone.Run(tape, tape.Input(batch.Input));
        cancellation.ThrowIfCancellationRequested();
        var maps = new List<(string Name, int Level, Variable Map)>();
        for (var l = bottomUp.Finest; l <= bottomUp.Coarsest; l++)
        {
            if (!wanted.Contains(FeatureNames.Backbone(l)))
                continue;
            // The pyramid disposes each map after its last use.
            bottomUp[l].Hold();
            maps.Add((FeatureNames.Backbone(l), l, bottomUp[l]));
        }
        FeatureMaps? levels = null;
        if (pyramid is not null && wanted.Any(FeatureNames.IsPyramid))
        {
            levels = pyramid.Run(tape, bottomUp);
            for (var l = levels.Finest; l <= levels.Coarsest; l++)
            {
                if (!wanted.Contains(FeatureNames.Pyramid(l)))
                    continue;
                levels[l].Hold();
                maps.Add((FeatureNames.Pyramid(l), l, levels[l]));
            }
            levels.Dispose();
        }
        else
        {
            foreach (var map in bottomUp)
                map.Dispose();
        }
        // From here on, the maps can be read by any stream.
        device.Synchronize();
        scope.Keep();
        return new FeatureSet(device, maps, batch);
    }
}
