using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

/// <summary>All parameters of a network, read from named tensors, and the optimiser step that changes them.</summary>
/// <param name="device">The device that holds them.</param>
/// <param name="source">The reader that provides them.</param>
internal sealed class ParameterSet(Device device, WeightReader source) : IDisposable
{
    private readonly List<Parameter> all = [];

    /// <summary>The device that holds them.</summary>
    public Device Device { get; } = device;

    /// <summary>The reader that provides them.</summary>
    public WeightReader Source { get; } = source;

    /// <summary>All parameters, in the order in which they were read.</summary>
    public IReadOnlyList<Parameter> All => all;

    /// <summary>The parameters that steps change.</summary>
    public IEnumerable<Parameter> Trained => all.Where(p => p.IsTrained);

    /// <summary>A counter that grows with every change of values; it tells layers whether their packed weights are out of date.</summary>
    public int Version { get; private set; }

    /// <summary>Reads a parameter.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="isTrained">Whether steps change it.</param>
    /// <param name="shape">The required shape.</param>
    /// <exception cref="WeightsException">The tensor is missing, has another shape, or has values that are not finite.</exception>
    public Parameter Read(string name, bool isTrained, params ReadOnlySpan<int> shape)
    {
        var parameter = new Parameter(Device, name, Source.Read(name, shape), shape, isTrained);
        all.Add(parameter);
        return parameter;
    }

    /// <summary>
    /// Takes a step of gradient descent (see <see cref="SgdStep"/>), after which all gradients count as 0. Waits for the device.
    /// </summary>
    /// <returns>The norm of all gradients; if it is not finite, no value was changed.</returns>
    public float Step(SgdStep.Settings settings)
    {
        var trained = Trained.ToList();
        // Parameters without a gradient still have weight decay and momentum, as in PyTorch.
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

    /// <summary>Discards the gradients, so that a step can be computed again.</summary>
    public void DropGradients()
    {
        foreach (var parameter in all)
            parameter.HasGradient = false;
    }

    /// <summary>Replaces all values and velocities, to resume from a checkpoint.</summary>
    /// <param name="values">The values of all parameters, by name.</param>
    /// <param name="velocities">The velocities of all trained parameters, by name.</param>
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

    /// <summary>Whether packed weights are out of date or were never packed; marks them as up to date, as the caller packs them.</summary>
    /// <param name="version">The version that was packed, or null; updated.</param>
    /// <param name="isTrained">Whether steps change the weights.</param>
    public bool IsOld(ref int? version, bool isTrained)
    {
        if (version is not null && (version == Version || !isTrained))
            return false;
        version = Version;
        return true;
    }

    /// <summary>Records that values were changed by something other than a step.</summary>
    public void Changed() => Version++;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var parameter in all)
            parameter.Dispose();
    }
}
