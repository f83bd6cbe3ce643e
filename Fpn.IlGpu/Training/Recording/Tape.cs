using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Training;

/// <summary>
/// Records what a network computes in one training step, so that gradients can be computed in reverse order:
/// <code>
/// using var tape = new Tape(device);
/// var x = tape.Input(pictures);
/// x = tape.Convolution(x, layer, Activation.Relu);
/// …
/// tape.SoftmaxCrossEntropy("classes", x, labels, 1f / labels.Length);
/// tape.Backward();                        // now every parameter has its gradient
/// var losses = tape.ReadLosses();         // the only wait for the device
/// </code>
/// Each operator computes its output when it is called. It also records a function that computes the gradients of its inputs from the
/// gradient of its output (the chain rule), and holds the values that this function needs. The backward pass releases these values
/// step by step. Values that depend on no trained parameter are not recorded; they cost no more than in inference.
/// </summary>
/// <param name="device">The device that computes everything.</param>
/// <param name="isWatched">Whether to check each layer for values that are not finite.</param>
internal sealed partial class Tape(Device device, bool isWatched = false) : IDisposable
{
    private readonly Stack<Step> steps = [];
    private readonly List<IDisposable> held = [];

    /// <summary>The device that computes everything.</summary>
    internal Device Device => device;

    /// <summary>Whether to check each layer for values that are not finite.</summary>
    internal bool IsWatched => isWatched;

    /// <summary>Wraps a value that no operator of the tape computed and that needs no gradient; the tape takes ownership.</summary>
    public Variable Input(Tensor value) => New(value);

    /// <summary>Keeps an object alive as long as the tape, which disposes it.</summary>
    public T Hold<T>(T thing)
        where T : IDisposable
    {
        held.Add(thing);
        return thing;
    }

    /// <summary>Computes all gradients, starting from the gradients that the losses have computed for their inputs.</summary>
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

    /// <summary>Frees all memory that is still held.</summary>
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

    /// <summary>Creates the variable for an operator's output.</summary>
    internal Variable New(Tensor value) => Hold(new Variable(device, value));

    private FeatureMaps NewMaps(IReadOnlyList<Shape> shapes) => Hold(new FeatureMaps(device, shapes));

    /// <summary>Records an operator.</summary>
    /// <param name="output">Its output.</param>
    /// <param name="kept">The variables whose values its backward pass needs.</param>
    /// <param name="backward">Takes the gradient of the output, which it may overwrite, and adds to the gradients of the inputs.</param>
    internal void Record(Variable output, IEnumerable<Variable> kept, Action<Tensor> backward)
    {
        output.NeedsGradient = true;
        Variable[] needed = [.. kept];
        foreach (var variable in needed)
            variable.Hold();
        steps.Push(new Step(output, needed, backward));
    }

    /// <summary>Moves the gradient of an output to another variable unchanged.</summary>
    internal static void PassOn(Variable output, Variable to) => to.AddGradient(output.TakeGradient()!);

    private sealed record Step(Variable Output, Variable[] Kept, Action<Tensor> Backward);
}
