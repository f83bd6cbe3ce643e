using Fpn.IlGpu.Networks;

namespace Fpn.IlGpu.Training;

/// <summary>The backbones that <see cref="NetworkLayout.Layout"/> can name, by torchvision's names.</summary>
internal static class BackboneLayouts
{
    private const string MobileNet = "mobilenet_v3_large";

    private static readonly Dictionary<string, BackboneLayout> FixedWidths = new()
    {
        [MobileNet] = MobileNetV3Layout.Large,
        ["efficientnet_b0"] = EfficientNetLayout.B0,
    };

    private static readonly Dictionary<string, bool> VggHasNorms = new() { ["vgg16"] = false, ["vgg16_bn"] = true };

    private static readonly int[] Blocks18 = [2, 2, 2, 2];
    private static readonly int[] Blocks34 = [3, 4, 6, 3];
    private static readonly int[] Blocks101 = [3, 4, 23, 3];
    private static readonly int[] Blocks152 = [3, 8, 36, 3];

    private static readonly Dictionary<string, (int[] Blocks, bool IsBottleneck, int Groups, int GroupWidth)> ResNets = new()
    {
        ["resnet18"] = (Blocks18, false, 1, 64),
        ["resnet34"] = (Blocks34, false, 1, 64),
        ["resnet50"] = (Blocks34, true, 1, 64),
        ["resnet101"] = (Blocks101, true, 1, 64),
        ["resnet152"] = (Blocks152, true, 1, 64),
        ["wide_resnet50_2"] = (Blocks34, true, 1, 128),
        ["wide_resnet101_2"] = (Blocks101, true, 1, 128),
        ["resnext50_32x4d"] = (Blocks34, true, 32, 4),
        ["resnext101_32x8d"] = (Blocks101, true, 32, 8),
        ["resnext101_64x4d"] = (Blocks101, true, 64, 4),
    };

    /// <summary>All names.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. ResNets.Keys, .. FixedWidths.Keys, .. VggHasNorms.Keys];

    /// <summary>Whether a name is that of a ResNet, wide ResNet or ResNeXt.</summary>
    public static bool IsResNet(string name) => ResNets.ContainsKey(name);

    /// <summary>Whether a name is that of a MobileNetV3.</summary>
    public static bool IsMobileNet(string name) => name == MobileNet;

    /// <summary>Whether the channels of a backbone's stages can be chosen.</summary>
    public static bool HasWidths(string name) => !FixedWidths.ContainsKey(name);

    /// <summary>Returns the sizes of a backbone.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="widths">For ResNets and VGG, channels of four stages.</param>
    /// <param name="topMap">5, or 4 to leave out a ResNet's fifth stage.</param>
    /// <param name="strideInFirst">For ResNets, whether a bottleneck's stride is in its first 1×1.</param>
    public static BackboneLayout Of(string name, int[] widths, int topMap, bool strideInFirst)
    {
        if (FixedWidths.TryGetValue(name, out var layout))
            return layout;
        if (VggHasNorms.TryGetValue(name, out var hasNorms))
            return VggLayout.Sixteen(widths, hasNorms);
        var net = ResNets[name];
        var all = ResNetLayout.Of(net.Blocks, net.IsBottleneck, widths, net.Groups, net.GroupWidth, strideInFirst);
        return all with { Stages = all.Stages[..(topMap - 1)] };
    }

    /// <summary>Returns the blocks of a ResNet's fifth stage.</summary>
    /// <param name="name">The name of a ResNet.</param>
    /// <param name="widths">Channels of the four stages' blocks.</param>
    /// <param name="strideInFirst">Whether a bottleneck's stride is in its first 1×1.</param>
    public static BlockLayout[] FifthStage(string name, int[] widths, bool strideInFirst)
        => ((ResNetLayout)Of(name, widths, topMap: 5, strideInFirst)).Stages[^1];
}
