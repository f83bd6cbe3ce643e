using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Detection;

/// <summary>
/// <c>Detector.Load</c>. It is an extension, so that the base class does not depend on the classes derived from it.
/// </summary>
public static class DetectorLoading
{
    extension(Detector)
    {
        /// <summary>Loads a model; the file determines the kind of detector.</summary>
        /// <param name="device">The device to run on; it must outlive the model.</param>
        /// <param name="path">
        /// A file that <see cref="Checkpoint.Open(string, ModelOptions?)"/> understands (safetensors, PyTorch, Detectron2), or null for the
        /// model that ships with the library.
        /// </param>
        /// <param name="options">What the file does not say, and what is to be different; null for nothing.</param>
        /// <param name="backbone">The backbone, where it is not one of the library's (see <see cref="IBackbone"/>).</param>
        /// <exception cref="WeightsException">The file is missing or broken, or holds no model of a supported kind.</exception>
        /// <exception cref="DeviceException">The device is out of memory.</exception>
        public static Detector Load(Device device, string? path = null, ModelOptions? options = null, BackboneLayout? backbone = null)
        {
            ArgumentNullException.ThrowIfNull(device);
            using var state = path is null ? ShippedModel.Open(options) : Checkpoint.Open(path, options);
            return Load(device, state, plan: null, backbone: backbone);
        }

        /// <summary>Loads a model from a stream, which is read to its end and stays open.</summary>
        /// <param name="device">The device to run on; it must outlive the model.</param>
        /// <param name="stream">The bytes of a file, from the current position on; fewer than 2 GiB.</param>
        /// <param name="options">What the file does not say, and what is to be different; null for nothing.</param>
        /// <param name="backbone">The backbone, where it is not one of the library's (see <see cref="IBackbone"/>).</param>
        /// <exception cref="WeightsException">The stream can't be read, or holds no model of a supported kind.</exception>
        /// <exception cref="DeviceException">The device is out of memory.</exception>
        public static Detector Load(Device device, Stream stream, ModelOptions? options = null, BackboneLayout? backbone = null)
        {
            ArgumentNullException.ThrowIfNull(device);
            using var state = Checkpoint.Open(stream, options: options);
            return Load(device, state, plan: null, backbone: backbone);
        }

        /// <summary>Loads a model from the bytes of a file, which are not needed afterwards.</summary>
        /// <param name="device">The device to run on; it must outlive the model.</param>
        /// <param name="bytes">The whole file.</param>
        /// <param name="options">What the file does not say, and what is to be different; null for nothing.</param>
        /// <param name="backbone">The backbone, where it is not one of the library's (see <see cref="IBackbone"/>).</param>
        /// <exception cref="WeightsException">The bytes are no model of a supported kind.</exception>
        /// <exception cref="DeviceException">The device is out of memory.</exception>
        public static Detector Load(Device device, ReadOnlyMemory<byte> bytes, ModelOptions? options = null, BackboneLayout? backbone = null)
        {
            ArgumentNullException.ThrowIfNull(device);
            using var state = Checkpoint.Open(bytes, options: options);
            return Load(device, state, plan: null, backbone: backbone);
        }

        /// <summary>Loads a model from an open state dict, with the names of any known source. The caller may dispose it afterwards.</summary>
        /// <param name="device">The device to run on; it must outlive the model.</param>
        /// <param name="state">
        /// The tensors, such as <see cref="Checkpoint"/> or <see cref="WeightsFile"/> opens them, or of the caller's own making.
        /// </param>
        /// <param name="options">What the tensors do not say, and what is to be different; null for nothing.</param>
        /// <param name="backbone">The backbone, where it is not one of the library's (see <see cref="IBackbone"/>).</param>
        /// <exception cref="WeightsException">The tensors are no model of a supported kind.</exception>
        /// <exception cref="DeviceException">The device is out of memory.</exception>
        public static Detector Load(Device device, StateDictionary state, ModelOptions? options = null, BackboneLayout? backbone = null)
        {
            ArgumentNullException.ThrowIfNull(device);
            ArgumentNullException.ThrowIfNull(state);
            // Not disposed: that would dispose the caller's.
            return Load(device, Checkpoint.Understand(state, options), plan: null, backbone: backbone);
        }

        /// <summary>
        /// Loads a file or a published model, as the command's <c>--model</c> does. A published model is downloaded first, unless it is in
        /// the user's cache (<see cref="ModelCache"/>): an interrupted download goes on where it stopped, and the file is checked.
        /// </summary>
        /// <param name="device">The device to run on; it must outlive the model.</param>
        /// <param name="model">A file, or a name of <see cref="ModelZoo"/> such as <c>fasterrcnn_resnet50_fpn_v2</c>. A file that exists comes first.</param>
        /// <param name="options">What the file does not say, and what is to be different; null for nothing.</param>
        /// <param name="cache">The folder of downloaded models; null for the user's.</param>
        /// <param name="progress">Receives the progress of the download, on any thread; null for nobody.</param>
        /// <param name="cancellation">Cancels the download; what has arrived is kept for the next time.</param>
        /// <exception cref="WeightsException">
        /// There is neither such a file nor such a model, the download fails, or the file holds no model of a supported kind.
        /// </exception>
        /// <exception cref="DeviceException">The device is out of memory.</exception>
        /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
        public static async Task<Detector> LoadAsync(
            Device device, string model, ModelOptions? options = null, ModelCache? cache = null,
            IProgress<ModelDownloadProgress>? progress = null, CancellationToken cancellation = default)
        {
            ArgumentNullException.ThrowIfNull(device);
            var path = await ModelDownload.FileOfAsync(model, cache, progress, cancellation).ConfigureAwait(false);
            return await Task.Run(() => Detector.Load(device, path, options), cancellation).ConfigureAwait(false);
        }

        /// <summary>Loads a model from a file, with the options as JSON, or null for none.</summary>
        internal static Detector Load(Device device, string? path, string? overrides, BackboneLayout? backbone = null)
            => Load(device, path, ModelOptions.OfJson(overrides), backbone);

        /// <summary>Loads a model from a state dict that <see cref="Checkpoint"/> has understood.</summary>
        /// <param name="device">The device to run on.</param>
        /// <param name="state">The tensors and configuration.</param>
        /// <param name="problems">
        /// Collects the faults of tensors for as long as loading can continue; a model with faults must not be run.
        /// </param>
        internal static Detector Load(Device device, StateDictionary state, List<string> problems)
            => Load(device, state, plan: null, problems);

        /// <summary>Loads a model from a state dict that <see cref="Checkpoint"/> has understood, for inference or to be trained.</summary>
        /// <param name="device">The device to run on.</param>
        /// <param name="state">The tensors and configuration.</param>
        /// <param name="plan">What is trained; null for inference, which keeps packed weights only.</param>
        /// <param name="problems">Collects the faults of tensors; null to stop at the first fault.</param>
        /// <param name="backbone">A backbone that the library doesn't know, or null.</param>
        internal static Detector Load(
            Device device, StateDictionary state, TrainingPlan? plan, List<string>? problems = null, BackboneLayout? backbone = null)
        {
            var configuration = ModelConfiguration.Of(state);
            ModelChecks.Understood(state, configuration);
            lock (device.Lock)
            {
                return device.Guard(() =>
                {
                    var compiling = Task.Run(() => device.Compile(FirstKernels.Of(device, configuration.Detector)));
                    try
                    {
                        // If loading fails, this frees the device memory that the model has taken so far.
                        using var scope = device.Memory.BeginPicture();
                        var source = new ModelSource(device, state, configuration, problems) { Plan = plan, Backbone = backbone };
                        var detector = Create(source);
                        source.Network.Layers.Load(device, source.Weights, plan);
                        scope.Keep();
                        return detector;
                    }
                    finally
                    {
                        compiling.GetAwaiter().GetResult();
                    }
                });
            }
        }
    }

    private static Detector Create(ModelSource source) => source.Configuration.Detector switch
    {
        DetectorKind.FastRcnn => new FastRcnn(source),
        DetectorKind.FasterRcnn => new FasterRcnn(source),
        DetectorKind.MaskRcnn => new MaskRcnn(source),
        DetectorKind.RetinaNet => new RetinaNet(source),
        DetectorKind.ProposalNetwork => new ProposalNetwork(source),
        DetectorKind.MaskProposals => new MaskProposalNetwork(source),
        var other => throw new InvalidOperationException($"No detector is of the kind '{other}'; ModelChecks should have refused it."),
    };
}
