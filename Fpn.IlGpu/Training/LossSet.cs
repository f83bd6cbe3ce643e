using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Training;

/// <summary>The losses that a step minimises. Each one computes its value and the gradient of its input together.</summary>
/// <param name="tape">The tape that the network ran on; the losses live as long.</param>
/// <param name="share">A factor for all losses: 1 over the number of batches whose gradients are accumulated.</param>
internal sealed class LossSet(Tape tape, float share = 1)
{
    private const int MostLosses = 16;

    private readonly Device device = tape.Device;
    private readonly List<string> names = [];
    private DeviceArray<float>? values;

    /// <summary>Adds <c>scale · Σ −log softmax(logits)[label]</c> (see <see cref="Kernels.SoftmaxCrossEntropy"/>).</summary>
    /// <param name="name">The name of the loss.</param>
    /// <param name="logits">The logits, [M, 1, 1, K].</param>
    /// <param name="labels">The class of each row, [M]; negative for rows to ignore.</param>
    /// <param name="scale">1 / M for the mean.</param>
    public void SoftmaxCrossEntropy(string name, Variable logits, ReadOnlySpan<int> labels, float scale)
    {
        var ones = new float[labels.Length];
        ones.AsSpan().Fill(1);
        using var deviceLabels = device.Upload(labels);
        using var weights = device.Upload<float>(ones);
        using var each = device.Rent<float>(labels.Length);
        var gradient = Tensor.Rent(device, logits.Shape);
        Kernels.SoftmaxCrossEntropy.Run(device, logits.Value, deviceLabels.View, weights.View, share * scale, each.View, gradient);
        Give(logits, gradient);
        AddLoss(name, each);
    }

    /// <summary>Adds the cross-entropy of samples from the logits of all maps (see <see cref="Kernels.SigmoidCrossEntropy"/>).</summary>
    /// <param name="name">The name of the loss.</param>
    /// <param name="logits">The logits of each level, [N, Hl, Wl, A].</param>
    /// <param name="at">The index of each sample in the maps' array, [S], all different.</param>
    /// <param name="targets">The target probabilities, [S], 0…1.</param>
    /// <param name="scale">1 / S for the mean.</param>
    public void SigmoidCrossEntropy(
        string name, FeatureMaps logits, ReadOnlySpan<int> at, ReadOnlySpan<float> targets, float scale)
    {
        using var places = device.Upload(at);
        using var deviceTargets = device.Upload(targets);
        using var each = device.Rent<float>(at.Length);
        using var gradients = ZeroMaps(logits);
        Kernels.SigmoidCrossEntropy.Run(
            device, logits.Values.View, places.View, deviceTargets.View, share * scale, each.View, gradients.Values.View);
        Give(logits, gradients);
        AddLoss(name, each);
    }

    /// <summary>Adds the cross-entropy of all values of a map (see <see cref="Kernels.SigmoidCrossEntropy"/>).</summary>
    /// <param name="name">The name of the loss.</param>
    /// <param name="logits">The logits, [N, H, W, C].</param>
    /// <param name="targets">The target probabilities, [N · H · W · C], 0…1.</param>
    /// <param name="scale">A factor for the sum.</param>
    public void SigmoidCrossEntropy(string name, Variable logits, ReadOnlySpan<float> targets, float scale)
    {
        using var places = device.Upload<int>([.. Enumerable.Range(0, targets.Length)]);
        using var deviceTargets = device.Upload(targets);
        using var each = device.Rent<float>(targets.Length);
        var gradient = Tensor.Rent(device, logits.Shape);
        Kernels.SigmoidCrossEntropy.Run(
            device, logits.Value.View, places.View, deviceTargets.View, share * scale, each.View, gradient.View);
        Give(logits, gradient);
        AddLoss(name, each);
    }

    /// <summary>Adds the smooth L1 loss of samples from the deltas of all maps (see <see cref="Kernels.SmoothL1"/>).</summary>
    /// <param name="name">The name of the loss.</param>
    /// <param name="deltas">The deltas of each level, [N, Hl, Wl, 4 · A].</param>
    /// <param name="at">The index of each sample's first delta in the maps' array, [S], all different.</param>
    /// <param name="targets">The target deltas, [S, 4].</param>
    /// <param name="beta">The β of smooth L1.</param>
    /// <param name="scale">The factor of the sum.</param>
    public void SmoothL1(
        string name, FeatureMaps deltas, ReadOnlySpan<int> at, ReadOnlySpan<float> targets, float beta, float scale)
    {
        using var gradients = ZeroMaps(deltas);
        SmoothL1(name, deltas.Values.View, at, targets, beta, scale, gradients.Values.View);
        Give(deltas, gradients);
    }

    /// <summary>Adds the smooth L1 loss of samples from a matrix of deltas (see <see cref="Kernels.SmoothL1"/>).</summary>
    /// <param name="name">The name of the loss.</param>
    /// <param name="deltas">The deltas, [R, 1, 1, 4 · classes].</param>
    /// <param name="at">The index of each sample's first delta, [S], all different.</param>
    /// <param name="targets">The target deltas, [S, 4].</param>
    /// <param name="beta">The β of smooth L1.</param>
    /// <param name="scale">The factor of the sum.</param>
    public void SmoothL1(
        string name, Variable deltas, ReadOnlySpan<int> at, ReadOnlySpan<float> targets, float beta, float scale)
    {
        var gradient = Tensor.Rent(device, deltas.Shape);
        Fill.Run(device, 0, gradient.View);
        SmoothL1(name, deltas.Value.View, at, targets, beta, scale, gradient.View);
        Give(deltas, gradient);
    }

    /// <summary>Adds the focal loss of all anchors (see <see cref="FocalLoss"/>).</summary>
    /// <param name="name">The name of the loss.</param>
    /// <param name="logits">The logits of each level, [N, Hl, Wl, A · classes].</param>
    /// <param name="labels">The label of each anchor, in the order of the maps' array.</param>
    /// <param name="weights">A factor for the loss of each anchor.</param>
    /// <param name="alpha">The weight of objects against the background.</param>
    /// <param name="gamma">How fast well-classified anchors lose weight.</param>
    public void Focal(
        string name, FeatureMaps logits, ReadOnlySpan<int> labels, ReadOnlySpan<float> weights, float alpha, float gamma)
    {
        using var deviceLabels = device.Upload(labels);
        using var deviceWeights = device.Upload(weights);
        using var each = device.Rent<float>(FocalLoss.Parts(labels.Length));
        using var gradients = new FeatureMaps(device, logits.Finest, logits.Shapes);
        FocalLoss.Run(
            device, logits.Values.View, deviceLabels.View, deviceWeights.View, alpha, gamma, each.View, gradients.Values.View);
        Give(logits, gradients);
        AddLoss(name, each);
    }

    /// <summary>Adds the L1 loss of samples from the deltas of all maps (see <see cref="Kernels.SmoothL1"/>), each with its own factor.</summary>
    /// <param name="name">The name of the loss.</param>
    /// <param name="deltas">The deltas of each level, [N, Hl, Wl, 4 · A].</param>
    /// <param name="at">The index of each sample's first delta in the maps' array, [S], all different.</param>
    /// <param name="targets">The target deltas, [S, 4].</param>
    /// <param name="beta">The β of smooth L1.</param>
    /// <param name="weights">The factor of each sample's loss, [S].</param>
    public void SmoothL1(
        string name, FeatureMaps deltas, ReadOnlySpan<int> at, ReadOnlySpan<float> targets, float beta, ReadOnlySpan<float> weights)
    {
        using var places = device.Upload(at);
        using var deviceTargets = device.Upload(targets);
        using var deviceWeights = device.Upload(weights);
        using var each = device.Rent<float>(at.Length);
        using var gradients = ZeroMaps(deltas);
        Kernels.SmoothL1.Run(
            device, deltas.Values.View, places.View, deviceTargets.View, beta, deviceWeights.View, each.View, gradients.Values.View);
        Give(deltas, gradients);
        AddLoss(name, each);
    }

    /// <summary>Adds the mean loss of masks (see <see cref="MaskLoss"/>).</summary>
    /// <param name="name">The name of the loss.</param>
    /// <param name="logits">The logits, [D, S, 4 · S, classes].</param>
    /// <param name="classIds">The class of each object, [D].</param>
    /// <param name="targets">The target masks, [D, 2 · S, 2 · S], 0…1.</param>
    public void Masks(string name, Variable logits, ReadOnlySpan<int> classIds, ReadOnlySpan<float> targets)
    {
        using var ids = device.Upload(classIds);
        using var deviceTargets = device.Upload(targets);
        using var each = device.Rent<float>(targets.Length);
        var gradient = Tensor.Rent(device, logits.Shape);
        MaskLoss.Run(device, logits.Value, ids.View, deviceTargets.View, share / targets.Length, each.View, gradient);
        Give(logits, gradient);
        AddLoss(name, each);
    }

    /// <summary>Adds a loss of 0, for a batch that has nothing to compute it from.</summary>
    /// <param name="name">The name of the loss.</param>
    public void Zero(string name)
    {
        using var zero = device.Upload<float>([0]);
        AddLoss(name, zero);
    }

    /// <summary>The factor for all losses.</summary>
    public float Share => share;

    /// <summary>Waits for the device and returns all losses by name; those of the same name are parts of one sum.</summary>
    public IReadOnlyDictionary<string, float> Read()
    {
        var read = values?.Download() ?? [];
        return names.Index().GroupBy(loss => loss.Item).ToDictionary(own => own.Key, own => own.Sum(loss => read[loss.Index]));
    }

    private void SmoothL1(
        string name, ArrayView<float> deltas, ReadOnlySpan<int> at, ReadOnlySpan<float> targets, float beta, float scale,
        ArrayView<float> gradient)
    {
        using var places = device.Upload(at);
        using var deviceTargets = device.Upload(targets);
        using var each = device.Rent<float>(at.Length);
        Kernels.SmoothL1.Run(device, deltas, places.View, deviceTargets.View, beta, share * scale, each.View, gradient);
        AddLoss(name, each);
    }

    private FeatureMaps ZeroMaps(FeatureMaps like)
    {
        var maps = new FeatureMaps(device, like.Finest, like.Shapes);
        Fill.Run(device, 0, maps.Values.View);
        return maps;
    }

    private static void Give(FeatureMaps to, FeatureMaps gradients)
    {
        for (var l = to.Finest; l <= to.Coarsest; l++)
            Give(to[l], gradients.Memory(l));
    }

    private static void Give(Variable to, Tensor gradient)
    {
        if (to.NeedsGradient)
            to.AddGradient(gradient);
        else
            gradient.Dispose();
    }

    private void AddLoss(string name, DeviceArray<float> each)
    {
        values ??= tape.Hold(device.Rent<float>(MostLosses));
        Sum.Run(device, each.View, values.View.SubView(names.Count, 1));
        names.Add(name);
    }
}
