using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Training;

/// <summary>
/// A value between two operators, and the gradient that comes back to it. Its memory is given back as soon as nobody holds it any
/// more: who made it lets go by disposing it, the operators on the tape that need it for their gradients when those are computed.
/// </summary>
internal sealed class Variable : IDisposable
{
    private readonly Device device;
    private readonly Tensor value;
    private int holders = 1;
    private bool isDisposed;
    private Tensor? gradient;

    /// <summary>Holds a value, which becomes its own.</summary>
    /// <param name="device">Where it is.</param>
    /// <param name="value">[N, H, W, C].</param>
    /// <param name="needsGradient">Whether anything before it is trained.</param>
    public Variable(Device device, Tensor value, bool needsGradient = false)
    {
        this.device = device;
        this.value = value;
        NeedsGradient = needsGradient;
    }

    /// <summary>Its size.</summary>
    public Shape Shape => value.Shape;

    /// <summary>[N, H, W, C].</summary>
    /// <exception cref="ObjectDisposedException">Nobody has held it any more.</exception>
    public Tensor Value => holders > 0 ? value : throw new ObjectDisposedException(nameof(Variable), $"A map of {Shape} is gone.");

    /// <summary>Whether a gradient is to come back to it.</summary>
    public bool NeedsGradient { get; set; }

    /// <summary>What has come back so far; null for nothing.</summary>
    public Tensor? Gradient => gradient;

    /// <summary>The gradient for who adds to it: zeros if nothing has come back so far.</summary>
    public Tensor GradientToAddTo()
    {
        if (gradient is null)
        {
            gradient = Tensor.Rent(device, Shape);
            Fill.Run(device, 0, gradient.View);
        }
        return gradient;
    }

    /// <summary>The gradient for who can either write or add to it, and which of the two is needed.</summary>
    public (Tensor Gradient, bool Accumulate) GradientToWrite()
    {
        var isThere = gradient is not null;
        return (gradient ??= Tensor.Rent(device, Shape), isThere);
    }

    /// <summary>Adds what comes back from one operator, which is given away with it.</summary>
    public void AddGradient(Tensor addend)
    {
        if (gradient is null)
        {
            gradient = addend;
            return;
        }
        Accumulate.Run(device, addend.View, gradient.View);
        addend.Dispose();
    }

    /// <summary>The gradient, which is the caller's from then on.</summary>
    public Tensor? TakeGradient()
    {
        var taken = gradient;
        gradient = null;
        return taken;
    }

    /// <summary>One more holds it.</summary>
    public void Hold() => holders++;

    /// <summary>One less holds it.</summary>
    public void Release()
    {
        if (--holders == 0)
            value.Dispose();
    }

    /// <summary>Who made it lets go of it; what is on the tape still holds it.</summary>
    public void Dispose()
    {
        if (isDisposed)
            return;
        isDisposed = true;
        Release();
    }
}
