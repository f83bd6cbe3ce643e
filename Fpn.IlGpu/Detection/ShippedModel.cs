using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Detection;

/// <summary>The model that comes with the library: <c>weights/shapes-fpn.safetensors</c>, embedded.</summary>
internal static class ShippedModel
{
    private const string Name = "shapes-fpn.safetensors";

    /// <summary>Opens it.</summary>
    public static StateDictionary Open()
    {
        using var stream = typeof(ShippedModel).Assembly.GetManifestResourceStream(Name)
            ?? throw new InvalidOperationException($"The library was built without its model {Name}.");
        return Safetensors.Open(stream, Name);
    }
}
