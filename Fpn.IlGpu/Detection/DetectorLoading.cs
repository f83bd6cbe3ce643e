using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Detection;

/// <summary>
/// <c>Detector.Load</c>: an extension, so that the base class does not know the detectors that are made of it.
/// </summary>
public static class DetectorLoading
{
    extension(Detector)
    {
        /// <summary>Loads a model: whichever detector the file holds.</summary>
        /// <param name="device">Where it runs; it must outlive the model.</param>
        /// <param name="path">
        /// A file that <see cref="Checkpoint.Open"/> understands (safetensors, PyTorch, Detectron2), or null for the model that
        /// comes with the library.
        /// </param>
        /// <param name="overrides">Keys of <c>fpn.config</c> as a JSON object, each in place of what the file says or implies.</param>
        /// <exception cref="WeightsException">The file is missing, broken, or holds no such model.</exception>
        /// <exception cref="DeviceException">The device is out of memory.</exception>
        public static Detector Load(Device device, string? path = null, string? overrides = null)
        {
            ArgumentNullException.ThrowIfNull(device);
            using var state = path is null ? ShippedModel.Open(overrides) : Checkpoint.Open(path, overrides);
            return Load(device, state);
        }

        /// <summary>Loads a model from tensors that are already open; they may be closed afterwards.</summary>
        /// <param name="device">Where it runs.</param>
        /// <param name="state">As <see cref="Checkpoint"/> gives them.</param>
        /// <param name="problems">Takes what is wrong with tensors, as far as loading can go on; such a model can't run.</param>
        internal static Detector Load(Device device, StateDictionary state, List<string>? problems = null)
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
                        // What a model that turns out not to load has put on the device goes back.
                        using var scope = device.Memory.BeginPicture();
                        var detector = Create(new ModelSource(device, state, configuration, problems));
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
        var other => throw new InvalidOperationException($"'{other}' was let pass."),
    };
}
