using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// A value between two operators, and its gradient. References are counted, and the value's memory is freed when the last one is
/// released: the creator releases its reference by disposing the variable, and a recorded operator releases its own once its
/// backward pass has run.
/// </summary>
public sealed class Variable : IDisposable
{
    private readonly Device device;
    private readonly Tensor value;
    private int holders = 1;
    private bool isDisposed;
    private Tensor? gradient;

    /// <summary>Takes ownership of a value, with one reference for the creator.</summary>
    /// <param name="device">The device that holds the value.</param>
    /// <param name="value">The value, [N, H, W, C].</param>
    /// <param name="needsGradient">Whether it depends on a trained parameter.</param>
    internal Variable(Device device, Tensor value, bool needsGradient = false)
    {
        this.device = device;
        this.value = value;
        NeedsGradient = needsGradient;
    }

    /// <summary>The shape of the value.</summary>
    public Shape Shape => value.Shape;

    /// <summary>The value, [N, H, W, C].</summary>
    /// <exception cref="ObjectDisposedException">All references have been released.</exception>
    internal Tensor Value => holders > 0 ? value : throw new ObjectDisposedException(nameof(Variable), $"A map of {Shape} was freed.");

    /// <summary>Whether its gradient is needed.</summary>
    internal bool NeedsGradient { get; set; }

    /// <summary>The gradient accumulated so far, or null if there is none yet.</summary>
    internal Tensor? Gradient => gradient;

    /// <summary>Returns the gradient for a caller that adds to it; zeros if there is none yet.</summary>
    internal Tensor GradientToAddTo()
    {
        if (gradient is null)
        {
            gradient = Tensor.Rent(device, Shape);
            Fill.Run(device, 0, gradient.View);
        }
        return gradient;
    }

    /// <summary>Returns the gradient for a caller that can write or add to it, and whether it must add.</summary>
    internal (Tensor Gradient, bool Accumulate) GradientToWrite()
    {
        var isThere = gradient is not null;
        return (gradient ??= Tensor.Rent(device, Shape), isThere);
    }

    /// <summary>Adds the gradient from one operator, and takes ownership of its tensor.</summary>
    internal void AddGradient(Tensor addend)
    {
        if (gradient is null)
        {
            gradient = addend;
            return;
        }
        Accumulate.Run(device, addend.View, gradient.View);
        addend.Dispose();
    }

    /// <summary>Removes and returns the gradient; the caller takes ownership.</summary>
    internal Tensor? TakeGradient()
    {
        var taken = gradient;
        gradient = null;
        return taken;
    }

    /// <summary>Adds a reference.</summary>
    internal void Hold() => holders++;

    /// <summary>Releases a reference; the last release frees the value.</summary>
    internal void Release()
    {
        if (--holders == 0)
            value.Dispose();
    }

    /// <summary>Releases the creator's reference; operators on the tape may still hold theirs.</summary>
    public void Dispose()
    {
        if (isDisposed)
            return;
        isDisposed = true;
        Release();
    }
}
