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
        /// A file that <see cref="Checkpoint.Open"/> understands (safetensors, PyTorch, Detectron2), or null for the model that
        /// ships with the library.
        /// </param>
        /// <param name="overrides">Keys of <c>fpn.config</c> as a JSON object; each replaces what the file says or implies.</param>
        /// <param name="backbone">The backbone, where it is not one of the library's (see <see cref="IBackbone"/>).</param>
        /// <exception cref="WeightsException">The file is missing or broken, or holds no model of a supported kind.</exception>
        /// <exception cref="DeviceException">The device is out of memory.</exception>
        public static Detector Load(Device device, string? path = null, string? overrides = null, BackboneLayout? backbone = null)
        {
            ArgumentNullException.ThrowIfNull(device);
            using var state = path is null ? ShippedModel.Open(overrides) : Checkpoint.Open(path, overrides);
            return Load(device, state, plan: null, backbone: backbone);
        }

        /// <summary>Loads a model from an open state dict, which may be closed afterwards.</summary>
        /// <param name="device">The device to run on.</param>
        /// <param name="state">The tensors and configuration, as <see cref="Checkpoint"/> returns them.</param>
        /// <param name="problems">
        /// Collects the faults of tensors for as long as loading can continue; a model with faults must not be run. Null to stop at the
        /// first fault.
        /// </param>
        internal static Detector Load(Device device, StateDictionary state, List<string>? problems = null)
            => Load(device, state, plan: null, problems);

        /// <summary>Loads a model from an open state dict to be trained, with its parameters.</summary>
        /// <param name="device">The device to run on.</param>
        /// <param name="state">The tensors and configuration, as <see cref="Checkpoint"/> returns them.</param>
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
