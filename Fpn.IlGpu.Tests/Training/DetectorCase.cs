using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Training;

namespace Fpn.IlGpu.Tests.Training;

/// <summary>A tiny torchvision detector, and the input and targets of its losses (see the script in fixtures/).</summary>
internal sealed class DetectorCase : IDisposable
{
    private static readonly Shape Input = StepFixture.Input;
    private readonly StateDictionary state;

    public DetectorCase(string name) => state = StepFixture.Open(name);

    public IEnumerable<string> Names(string prefix)
        => state.Tensors.Keys.Where(k => k.StartsWith(prefix, StringComparison.Ordinal)).Select(k => k[prefix.Length..]);

    public float[] Values(string name) => state[name].ToArray();

    public FasterRcnn Load(Device device, int frozenStages, NormTraining norms)
    {
        using var whole = Detector.Load(device, state);
        return (FasterRcnn)Detector.Load(device, state, new TrainingPlan(norms, [.. whole.Backbone.Parts.Take(frozenStages)]));
    }

    /// <summary>A step's losses; with gradients, if the tape goes back.</summary>
    public IReadOnlyDictionary<string, float> Run(Device device, FasterRcnn detector, bool backward)
    {
        using var scope = device.Memory.BeginPicture();
        using var tape = new Tape(device);
        using var input = Tensor.Upload(device, Input, StepFixture.Pictures());
        Box[] rois = [.. Values("target.rois").Chunk(4).Select(b => new Box(b[0], b[1], b[2], b[3]))];
        var outputs = TrainedOutputs.Of(tape, detector, input, rois, Indices("pictures"));
        var (losses, weighting) = (new LossSet(tape), new DetectorLosses());
        weighting.OfRpn(losses, outputs.Rpn, [.. Enumerable.Range(0, Input.N).Select(n => new AnchorTargets(
            Indices($"positives{n}"), Indices($"negatives{n}"), Values($"target.deltas{n}")))]);
        weighting.OfBoxes(losses, outputs.Boxes, Indices("classes"), 0, Values("target.roi_deltas"));
        if (backward)
            tape.Backward();
        return losses.Read();
    }

    public void Dispose() => state.Dispose();

    private int[] Indices(string name) => Array.ConvertAll(Values("target." + name), v => (int)v);
}
