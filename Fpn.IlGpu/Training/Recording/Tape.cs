using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Training;

/// <summary>
/// What a network computed in one step of training, in order, so that gradients can be computed in the opposite order:
/// <code>
/// using var tape = new Tape(device);
/// var x = tape.Input(pictures);
/// x = tape.Convolution(x, layer, Activation.Relu);
/// …
/// tape.SoftmaxCrossEntropy("classes", x, labels, 1f / labels.Length);
/// tape.Backward();                        // every parameter has its gradient now
/// var losses = tape.ReadLosses();         // the only wait for the device
/// </code>
/// Each operator computes its output at once, and records what gives its inputs' gradients from its output's (the chain rule)
/// together with the values which that needs. Going back, these are given up one after the other. What no trained parameter
/// comes before is not recorded at all, and costs what it costs in inference.
/// </summary>
/// <param name="device">Where all is computed.</param>
/// <param name="isWatched">Whether each layer is looked at for what is no number.</param>
internal sealed partial class Tape(Device device, bool isWatched = false) : IDisposable
{
    private readonly Stack<Step> steps = [];
    private readonly List<IDisposable> held = [];

    /// <summary>Where all is computed.</summary>
    internal Device Device => device;

    /// <summary>Whether each layer is looked at for what is no number.</summary>
    internal bool IsWatched => isWatched;

    /// <summary>A value that no operator of the tape made, and that gradients need not come back to; it becomes the tape's.</summary>
    public Variable Input(Tensor value) => New(value);

    /// <summary>Something that lives as long as the tape.</summary>
    public T Hold<T>(T thing)
        where T : IDisposable
    {
        held.Add(thing);
        return thing;
    }

    /// <summary>Computes all gradients, from what the losses have left at their inputs.</summary>
    public void Backward()
    {
        while (steps.TryPop(out var step))
        {
            if (step.Output.Gradient is { } gradient)
                step.Backward(gradient);
            step.Output.TakeGradient()?.Dispose();
            foreach (var variable in step.Kept)
                variable.Release();
        }
    }

    /// <summary>Gives back all memory that is still held.</summary>
    public void Dispose()
    {
        foreach (var step in steps)
        {
            foreach (var variable in step.Kept)
                variable.Release();
        }
        steps.Clear();
        foreach (var thing in held)
        {
            (thing as Variable)?.TakeGradient()?.Dispose();
            thing.Dispose();
        }
        held.Clear();
    }

    /// <summary>A value that an operator makes.</summary>
    internal Variable New(Tensor value) => Hold(new Variable(device, value));

    private FeatureMaps NewMaps(IReadOnlyList<Shape> shapes) => Hold(new FeatureMaps(device, shapes));

    /// <summary>Records an operator.</summary>
    /// <param name="output">What it made.</param>
    /// <param name="kept">The variables whose values its gradient needs.</param>
    /// <param name="backward">Takes the gradient of the output, which it may overwrite, and adds to those of the inputs.</param>
    internal void Record(Variable output, IEnumerable<Variable> kept, Action<Tensor> backward)
    {
        output.NeedsGradient = true;
        Variable[] needed = [.. kept];
        foreach (var variable in needed)
            variable.Hold();
        steps.Push(new Step(output, needed, backward));
    }

    /// <summary>Gives the gradient of an output to another variable, as it is.</summary>
    internal static void PassOn(Variable output, Variable to) => to.AddGradient(output.TakeGradient()!);

    private sealed record Step(Variable Output, Variable[] Kept, Action<Tensor> Backward);
}
