using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>The name of a weights file in messages.</summary>
internal readonly record struct SourceName(string Name)
{
    /// <summary>The exception for a problem with this file.</summary>
    public WeightsException Wrong(string what, Exception? inner = null) => new($"{Name}: {what}.", inner);

    /// <summary>The exception for a problem with one of its tensors.</summary>
    public WeightsException WrongTensor(string tensor, string what)
        => Wrong($"the tensor {WeightsException.Quote(tensor)} {what}");

    public override string ToString() => Name;
}
