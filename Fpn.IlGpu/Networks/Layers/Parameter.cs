using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// A named tensor of a network, with its elements in PyTorch's order, as in state dicts. A trained parameter also has a gradient and a
/// velocity; other parameters (frozen weights, running statistics) take no memory beyond their values.
/// </summary>
internal sealed class Parameter : IDisposable
{
    private readonly int[] shape;
    private readonly DeviceArray<float> value;
    private readonly DeviceArray<float>? gradient;
    private readonly DeviceArray<float>? velocity;

    /// <summary>Copies a parameter to a device.</summary>
    /// <param name="device">The device to hold it.</param>
    /// <param name="name">Its name in state dicts.</param>
    /// <param name="values">Its values in row-major order.</param>
    /// <param name="shape">Its shape.</param>
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

    /// <summary>Its name in state dicts, for example <c>backbone.body.conv1.weight</c>.</summary>
    public string Name { get; }

    /// <summary>The name of its layer, for example <c>backbone.body.conv1</c>.</summary>
    public string Layer => Name[..Name.LastIndexOf('.')];

    /// <summary>Whether steps change it.</summary>
    public bool IsTrained { get; }

    /// <summary>Whether a gradient was written since the last step; if not, the gradient counts as 0, whatever its memory holds.</summary>
    public bool HasGradient { get; set; }

    /// <summary>Its shape.</summary>
    public ReadOnlySpan<int> Shape => shape;

    /// <summary>Its values.</summary>
    public ArrayView<float> Value => value.View;

    /// <summary>The gradient of the loss; only trained parameters have one.</summary>
    public ArrayView<float> Gradient => gradient!.View;

    /// <summary>The momentum buffer; only trained parameters have one.</summary>
    public ArrayView<float> Velocity => velocity!.View;

    /// <summary>Adds to the gradient.</summary>
    public void AddGradient(Device device, ArrayView<float> addend)
    {
        if (!HasGradient)
            Fill.Run(device, 0, Gradient);
        Accumulate.Run(device, addend, Gradient);
        HasGradient = true;
    }

    /// <summary>Copies values and velocities to the device, to resume from a checkpoint.</summary>
    public void Restore(ReadOnlySpan<float> values, ReadOnlySpan<float> velocities)
    {
        value.Upload(values);
        velocity?.Upload(velocities);
    }

    /// <summary>Copies the values to the host, after all work queued so far.</summary>
    public StateTensor ToTensor() => StateTensor.FromValues(Name, shape, value.Download());

    /// <summary>Copies the gradient to the host; zeros if there is none.</summary>
    public float[] GradientToArray() => HasGradient ? gradient!.Download() : new float[value.Length];

    /// <summary>Copies the velocity to the host.</summary>
    public StateTensor VelocityToTensor() => StateTensor.FromValues(Name, shape, velocity!.Download());

    /// <inheritdoc/>
    public void Dispose()
    {
        value.Dispose();
        gradient?.Dispose();
        velocity?.Dispose();
    }
}
