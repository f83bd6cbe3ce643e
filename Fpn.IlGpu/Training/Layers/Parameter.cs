using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Training;

/// <summary>
/// A named tensor of a network, in PyTorch's order of elements, as state dictionaries hold it. What is trained has a gradient
/// and a velocity, too; the rest (frozen weights, running statistics) takes no more memory than its values.
/// </summary>
internal sealed class Parameter : IDisposable
{
    private readonly int[] shape;
    private readonly DeviceArray<float> value;
    private readonly DeviceArray<float>? gradient;
    private readonly DeviceArray<float>? velocity;

    /// <summary>Puts one on a device.</summary>
    /// <param name="device">Where to.</param>
    /// <param name="name">As in state dictionaries.</param>
    /// <param name="values">In row-major order.</param>
    /// <param name="shape">Their shape.</param>
    /// <param name="isTrained">Whether steps change it.</param>
    public Parameter(Device device, string name, float[] values, ReadOnlySpan<int> shape, bool isTrained)
    {
        Name = name;
        IsTrained = isTrained;
        this.shape = shape.ToArray();
        value = device.Upload<float>(values);
        if (!isTrained)
            return;
        gradient = device.Rent<float>(values.Length);
        velocity = device.Upload<float>(new float[values.Length]);
    }

    /// <summary>As in state dictionaries: <c>backbone.body.conv1.weight</c>.</summary>
    public string Name { get; }

    /// <summary>The layer that it belongs to: <c>backbone.body.conv1</c>.</summary>
    public string Layer => Name[..Name.LastIndexOf('.')];

    /// <summary>Whether steps change it; a frozen one stays as it was read.</summary>
    public bool IsTrained { get; }

    /// <summary>Whether anything has come back to it since the last step; else its gradient is 0, whatever its memory holds.</summary>
    public bool HasGradient { get; set; }

    /// <summary>Its extents.</summary>
    public ReadOnlySpan<int> Shape => shape;

    /// <summary>Its values.</summary>
    public ArrayView<float> Value => value.View;

    /// <summary>Of what is trained: the gradient of the loss.</summary>
    public ArrayView<float> Gradient => gradient!.View;

    /// <summary>Of what is trained: the steps so far, as momentum keeps them.</summary>
    public ArrayView<float> Velocity => velocity!.View;

    /// <summary>Adds to the gradient.</summary>
    public void AddGradient(Device device, ArrayView<float> addend)
    {
        if (!HasGradient)
            Fill.Run(device, 0, Gradient);
        Accumulate.Run(device, addend, Gradient);
        HasGradient = true;
    }

    /// <summary>Copies values to the device: to go on from a checkpoint.</summary>
    public void Restore(ReadOnlySpan<float> values, ReadOnlySpan<float> velocities)
    {
        value.Upload(values);
        velocity?.Upload(velocities);
    }

    /// <summary>Its values on the host, after all work queued so far.</summary>
    public StateTensor ToTensor() => StateTensor.FromValues(Name, shape, value.Download());

    /// <summary>The gradient on the host; zeros where nothing came back.</summary>
    public float[] GradientToArray() => HasGradient ? gradient!.Download() : new float[value.Length];

    /// <summary>The steps so far on the host.</summary>
    public StateTensor VelocityToTensor() => StateTensor.FromValues(Name, shape, velocity!.Download());

    /// <inheritdoc/>
    public void Dispose()
    {
        value.Dispose();
        gradient?.Dispose();
        velocity?.Dispose();
    }
}
