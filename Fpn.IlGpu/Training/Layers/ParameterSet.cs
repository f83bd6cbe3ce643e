using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Training;

/// <summary>All parameters of a network, read from named tensors, and the step that changes them.</summary>
/// <param name="device">Where they are.</param>
/// <param name="source">What they are read from.</param>
internal sealed class ParameterSet(Device device, WeightReader source) : IDisposable
{
    private readonly List<Parameter> all = [];

    /// <summary>Where they are.</summary>
    public Device Device { get; } = device;

    /// <summary>What they are read from.</summary>
    public WeightReader Source { get; } = source;

    /// <summary>All of them, in the order in which they were read.</summary>
    public IReadOnlyList<Parameter> All => all;

    /// <summary>Those that steps change.</summary>
    public IEnumerable<Parameter> Trained => all.Where(p => p.IsTrained);

    /// <summary>Counts the steps, by which layers know whether their packed weights are old.</summary>
    public int Version { get; private set; }

    /// <summary>Reads one.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="isTrained">Whether steps change it.</param>
    /// <param name="shape">The shape that it must have.</param>
    /// <exception cref="WeightsException">It is missing, of another shape, or has values that are no numbers.</exception>
    public Parameter Read(string name, bool isTrained, params ReadOnlySpan<int> shape)
    {
        var parameter = new Parameter(Device, name, Source.Read(name, shape), shape, isTrained);
        all.Add(parameter);
        return parameter;
    }

    /// <summary>
    /// A step of gradient descent (see <see cref="SgdStep"/>), after which all gradients are 0. Waits for the device.
    /// </summary>
    /// <returns>The norm of all gradients; where it is no finite number, nothing was changed.</returns>
    public float Step(SgdStep.Settings settings)
    {
        var trained = Trained.ToList();
        // What nothing came back to still decays, and moves on, as in PyTorch.
        foreach (var parameter in trained.Where(p => !p.HasGradient))
            Fill.Run(Device, 0, parameter.Gradient);
        using var norm = Device.Rent<float>(1);
        Sum.Norm(Device, [.. trained.Select(p => p.Gradient)], norm.View);
        var length = norm.Download()[0];
        if (!float.IsFinite(length))
            return length;
        foreach (var parameter in trained)
        {
            SgdStep.Run(Device, parameter.Gradient, norm.View, settings, parameter.Velocity, parameter.Value);
            parameter.HasGradient = false;
        }
        Version++;
        return length;
    }

    /// <summary>Forgets the gradients, as before a step that is computed again.</summary>
    public void DropGradients()
    {
        foreach (var parameter in all)
            parameter.HasGradient = false;
    }

    /// <summary>Puts values and velocities in place of those that are there: to go on from a checkpoint.</summary>
    /// <param name="values">By name; all.</param>
    /// <param name="velocities">By name; of all that are trained.</param>
    public void Restore(StateDictionary values, StateDictionary velocities)
    {
        foreach (var parameter in all)
        {
            parameter.Restore(
                values.Read(parameter.Name, parameter.Shape),
                parameter.IsTrained ? velocities.Read(parameter.Name, parameter.Shape) : default);
        }
        Changed();
    }

    /// <summary>Whether weights were packed before the last step, or never; from then on they count as new.</summary>
    /// <param name="version">When they were packed.</param>
    /// <param name="isTrained">Whether steps change them.</param>
    public bool IsOld(ref int? version, bool isTrained)
    {
        if (version is not null && (version == Version || !isTrained))
            return false;
        version = Version;
        return true;
    }

    /// <summary>Says that values were changed by other means than steps.</summary>
    public void Changed() => Version++;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var parameter in all)
            parameter.Dispose();
    }
}
