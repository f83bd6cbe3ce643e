using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Detection;

/// <summary>The model that ships with the library: <c>weights/shapes-fpn.safetensors</c>, an embedded resource.</summary>
internal static class ShippedModel
{
    private const string Name = "shapes-fpn.safetensors";

    /// <summary>Opens the model's state dict.</summary>
    /// <param name="options">What is to be different; null for nothing.</param>
    public static StateDictionary Open(ModelOptions? options = null)
    {
        using var stream = typeof(ShippedModel).Assembly.GetManifestResourceStream(Name)
            ?? throw new InvalidOperationException($"The library was built without its model {Name}.");
        return Checkpoint.Understand(Safetensors.Open(stream, Name), options);
    }
}
