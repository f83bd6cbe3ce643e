using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>A weights file as messages name it.</summary>
internal readonly record struct SourceName(string Name)
{
    /// <summary>The error that says of this file what is wrong.</summary>
    public WeightsException Wrong(string what, Exception? inner = null) => new($"{Name}: {what}.", inner);

    /// <summary>As above, of one of its tensors.</summary>
    public WeightsException WrongTensor(string tensor, string what)
        => Wrong($"the tensor {WeightsException.Quote(tensor)} {what}");

    public override string ToString() => Name;
}
