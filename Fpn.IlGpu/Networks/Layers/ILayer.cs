namespace Fpn.IlGpu.Networks;

/// <summary>A part of a network that computes one map from another.</summary>
internal interface ILayer
{
    /// <summary>Runs the layer; the caller disposes the output and keeps the input.</summary>
    /// <param name="tape">The tape to run on.</param>
    /// <param name="x">The input, [N, H, W, C].</param>
    Variable Run(Tape tape, Variable x);
}

/// <summary>Runs sequences of layers.</summary>
internal static class LayerSequence
{
    /// <summary>Runs the layers one after the other; the caller disposes the output and keeps the input.</summary>
    /// <param name="layers">At least one layer.</param>
    /// <param name="tape">The tape to run on.</param>
    /// <param name="input">The input, [N, H, W, C].</param>
    public static Variable RunAll(this IReadOnlyList<ILayer> layers, Tape tape, Variable input)
    {
        var x = layers[0].Run(tape, input);
        for (var i = 1; i < layers.Count; i++)
        {
            var next = layers[i].Run(tape, x);
            x.Dispose();
            x = next;
        }
        return x;
    }
}
