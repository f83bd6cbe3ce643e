using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

/// <summary>A part of a network that makes one map of another.</summary>
internal interface ILayer : IDisposable
{
    /// <summary>Runs it; the caller disposes the output, and the input stays.</summary>
    /// <param name="input">[N, H, W, C].</param>
    Tensor Run(Tensor input);
}

/// <summary>Layers in a row.</summary>
internal static class LayerSequence
{
    /// <summary>Runs one layer after the other; the caller disposes the output, and the input stays.</summary>
    /// <param name="layers">At least one.</param>
    /// <param name="input">[N, H, W, C].</param>
    public static Tensor RunAll(this IReadOnlyList<ILayer> layers, Tensor input)
    {
        var x = layers[0].Run(input);
        foreach (var layer in layers.Skip(1))
        {
            var next = layer.Run(x);
            x.Dispose();
            x = next;
        }
        return x;
    }
}
