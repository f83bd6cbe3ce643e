using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// What a network runs on. A tape that records keeps what the gradients need, and then computes them in reverse order:
/// <code>
/// using var tape = new Tape(device);
/// var x = tape.Input(pictures);
/// var y = layer.Run(tape, x);
/// …
/// losses.SoftmaxCrossEntropy("classes", y, labels, 1f / labels.Length);
/// tape.Backward();                        // now every trained parameter has its gradient
/// </code>
/// Each operator computes its output when it is called. It also records a function that computes the gradients of its inputs from the
/// gradient of its output (the chain rule), and holds the values that this function needs. The backward pass releases these values
/// step by step. Values that depend on no trained parameter are not recorded; they cost no more than in inference.
/// <see cref="ForInference"/> returns a tape that records nothing: each value is freed when its creator disposes it.
/// </summary>
public sealed partial class Tape : IDisposable
{
    private readonly Device device;
    private readonly Stack<Step> steps = [];
    private readonly List<IDisposable> held = [];

    /// <summary>Creates a tape that records.</summary>
    /// <param name="device">The device that computes everything.</param>
    /// <param name="isWatched">Whether to check each layer for values that are not finite.</param>
    internal Tape(Device device, bool isWatched = false)
        : this(device, records: true, isWatched)
    {
    }

    private Tape(Device device, bool records, bool isWatched)
    {
        this.device = device;
        Records = records;
        IsWatched = isWatched;
    }

    /// <summary>Creates a tape that records nothing.</summary>
    /// <param name="device">The device that computes everything.</param>
    internal static Tape ForInference(Device device) => new(device, records: false, isWatched: false);

    /// <summary>The device that computes everything.</summary>
    internal Device Device => device;

    /// <summary>Whether operators are recorded. If not, layers run as in inference: batch norms use their running statistics.</summary>
    internal bool Records { get; }

    /// <summary>Whether to check each layer for values that are not finite.</summary>
    internal bool IsWatched { get; }

    /// <summary>Wraps a value that no operator of the tape computed and that needs no gradient; the caller keeps it.</summary>
    /// <param name="value">The value, [N, H, W, C]; it must live as long as the tape.</param>
    internal Variable Input(Tensor value) => New(value.As(value.Shape));

    /// <summary>Keeps an object alive until the gradients are computed: as long as the tape, which disposes it.</summary>
    /// <returns>The object; a tape that records nothing leaves it to the caller.</returns>
    internal T Hold<T>(T thing)
        where T : IDisposable
    {
        if (Records)
            held.Add(thing);
        return thing;
    }

    /// <summary>Computes all gradients, starting from the gradients that the losses have computed for their inputs.</summary>
    internal void Backward()
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

    /// <summary>The values that the backward pass of a layer needs.</summary>
    /// <param name="input">Its input, if the gradient of its weights is computed; otherwise null.</param>
    /// <param name="output">Its output.</param>
    /// <param name="activation">The activation at its end, whose gradient is computed from the output.</param>
    internal static IEnumerable<Variable> Kept(Variable? input, Variable output, Activation activation)
    {
        if (input is not null)
            yield return input;
        if (activation != Activation.None)
            yield return output;
    }

    /// <summary>Moves the gradient of an output to another variable unchanged.</summary>
    internal static void PassOn(Variable output, Variable to) => to.AddGradient(output.TakeGradient()!);

    private sealed record Step(Variable Output, Variable[] Kept, Action<Tensor> Backward);
}
