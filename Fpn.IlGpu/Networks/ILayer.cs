using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

/// <summary>A part of a network that computes one map from another.</summary>
internal interface ILayer : IDisposable
{
    /// <summary>Runs the layer; the caller disposes the output and keeps the input.</summary>
    /// <param name="input">The input, [N, H, W, C].</param>
    Tensor Run(Tensor input);
}

/// <summary>Runs sequences of layers.</summary>
internal static class LayerSequence
{
    /// <summary>Runs the layers one after the other; the caller disposes the output and keeps the input.</summary>
    /// <param name="layers">At least one layer.</param>
    /// <param name="input">The input, [N, H, W, C].</param>
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
