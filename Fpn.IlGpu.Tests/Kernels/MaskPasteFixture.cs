using System.Text.Json;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Kernels;

/// <summary>One case of fixtures/mask_paste.safetensors: masks, boxes, and the results of torchvision and Detectron2.</summary>
internal sealed class MaskPasteFixture
{
    public const int Cases = 4;

    private static readonly Lazy<StateDictionary> File = new(() => Safetensors.Open(
        Path.Combine(TestContext.CurrentContext.TestDirectory, "Kernels", "fixtures", "mask_paste.safetensors")));

    private readonly int number;
    private readonly float[] masks;
    private readonly float[] boxes;

    public MaskPasteFixture(int number)
    {
        this.number = number;
        var size = JsonDocument.Parse(File.Value.Metadata[$"case.{number}"]).RootElement;
        (Height, Width) = (size[0].GetInt32(), size[1].GetInt32());
        Side = (int)File.Value[$"case.{number}.masks"].Shape[1];
        (masks, boxes) = (Values("masks"), Values("boxes"));
    }

    /// <summary>The picture's height, in px.</summary>
    public int Height { get; }

    /// <summary>The picture's width, in px.</summary>
    public int Width { get; }

    /// <summary>The side of a mask, in cells.</summary>
    public int Side { get; }

    /// <summary>Each object's mask [side, side] and box, and its probabilities at picture size [H, W].</summary>
    public IEnumerable<(float[] Mask, float[] Box, float[] Pasted)> Objects(bool rounded)
    {
        // Ends with the pasted masks: torchvision has none for boxes off the picture, which come last.
        var pasted = Values(rounded ? "torchvision" : "detectron2").Chunk(Height * Width);
        return pasted.Select((p, d) => (masks.AsSpan(d * Side * Side, Side * Side).ToArray(), boxes.AsSpan(d * 4, 4).ToArray(), p));
    }

    private float[] Values(string tensor) => File.Value[$"case.{number}.{tensor}"].ToArray();
}
