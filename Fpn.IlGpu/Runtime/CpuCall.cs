namespace Fpn.IlGpu.Runtime;

/// <summary>
/// A kernel with its arguments, which CPU threads run. Each launching thread has one for each kind of state and uses it again: a launch ends
/// before the next one begins.
/// </summary>
/// <typeparam name="TState">The kernel and its arguments.</typeparam>
internal sealed class CpuCall<TState>
{
    [ThreadStatic]
    private static CpuCall<TState>? ofThisThread;

    private Action<CpuCall<TState>, int>? thread;

    private CpuCall() => Run = n => thread!(this, n);

    /// <summary>That of the launching thread.</summary>
    public static CpuCall<TState> OfThisThread => ofThisThread ??= new();

    /// <summary>Runs one thread of the kernel.</summary>
    public Action<int> Run { get; }

    /// <summary>The kernel and its arguments. A field, so that no thread copies them.</summary>
    public TState State = default!;

    /// <summary>Takes the kernel and its arguments.</summary>
    public void Begin(in TState state, Action<CpuCall<TState>, int> thread)
    {
        State = state;
        this.thread = thread;
    }

    /// <summary>Forgets them, so that they don't keep memory alive.</summary>
    public void End()
    {
        State = default!;
        thread = null;
    }
}
