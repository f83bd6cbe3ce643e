using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Training;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Training;

/// <summary>A tiny torchvision detector, and the input and targets of its losses (see the script in fixtures/).</summary>
internal sealed class DetectorCase : IDisposable
{
    private static readonly Shape Input = new(2, 128, 192, 3);
    private readonly StateDictionary state;

    public DetectorCase(string name)
        => state = Safetensors.Open(
            Path.Combine(TestContext.CurrentContext.TestDirectory, "Training", "fixtures", name + ".safetensors"));

    public IEnumerable<string> Names(string prefix)
        => state.Tensors.Keys.Where(k => k.StartsWith(prefix, StringComparison.Ordinal)).Select(k => k[prefix.Length..]);

    public float[] Values(string name) => state[name].ToArray();

    public TrainableDetector Load(Device device, int frozenStages, NormTraining norms) => new(device, state, frozenStages, norms);

    /// <summary>Returns a step's losses, and computes gradients if <paramref name="backward"/> is set.</summary>
    public IReadOnlyDictionary<string, float> Run(Device device, TrainableDetector network, bool backward)
    {
        using var scope = device.Memory.BeginPicture();
        using var tape = new Tape(device);
        float[] pictures = [.. Enumerable.Range(0, (int)Input.Length).Select(i => (float)(1.5 * Math.Sin(0.7 * i + 1e-4 * i * (double)i)))];
        var maps = network.Pyramid(tape, Tensor.Upload(device, Input, pictures));
        var losses = new DetectorLosses();
        losses.OfRpn(tape, network.Rpn(tape, maps), [.. Enumerable.Range(0, Input.N).Select(n => new AnchorTargets(
            Indices($"positives{n}"), Indices($"negatives{n}"), Values($"target.deltas{n}")))]);
        Box[] rois = [.. Values("target.rois").Chunk(4).Select(b => new Box(b[0], b[1], b[2], b[3]))];
        using var regions = network.Regions(maps, rois, Indices("pictures"), Input.H);
        losses.OfBoxes(tape, network.Boxes(tape, maps, regions), Indices("classes"), 0, Values("target.roi_deltas"));
        if (backward)
            tape.Backward();
        return tape.ReadLosses();
    }

    public void Dispose() => state.Dispose();

    private int[] Indices(string name) => Array.ConvertAll(Values("target." + name), v => (int)v);
}
