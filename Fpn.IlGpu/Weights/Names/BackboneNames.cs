namespace Fpn.IlGpu.Weights;

/// <summary>
/// The tensor names of backbones that come without a detector, which become those that the backbone has within one: torchvision's
/// classifiers (<c>conv1.weight</c>, <c>features.0.0.weight</c>), whose ResNets have the same names in timm; <c>BackboneWithFPN</c>
/// (<c>body.</c>, <c>fpn.</c>); Detectron2's (<c>stem.conv1.weight</c>, <c>res2.0.conv1.norm.weight</c>); timm's MobileNetV3.
/// </summary>
internal static class BackboneNames
{
    private const string Body = "backbone.body.";

    private static readonly (string From, string To)[] TorchvisionPrefixes =
    [
        ("conv1.", $"{Body}conv1."), ("bn1.", $"{Body}bn1."), ("layer1.", $"{Body}layer1."), ("layer2.", $"{Body}layer2."),
        ("layer3.", $"{Body}layer3."), ("layer4.", $"{Body}layer4."), ("features.", Body), ("body.", Body), ("fpn.", "backbone.fpn."),
    ];

    private static readonly (string From, string To)[] Detectron2Prefixes =
    [
        ("bottom_up.", "backbone.bottom_up."), ("fpn_", "backbone.fpn_"), ("stem.", "backbone.bottom_up.stem."),
        ("res2.", "backbone.bottom_up.res2."), ("res3.", "backbone.bottom_up.res3."), ("res4.", "backbone.bottom_up.res4."),
        ("res5.", "backbone.bottom_up.res5."),
    ];

    private static readonly NameTable TimmMobileNetNames = new(
    [
        ("conv_stem.*", $"{Body}0.0.*"),
        ("bn1.*", $"{Body}0.1.*"),
        ("blocks.0.0.conv_dw.*", $"{Body}1.block.0.0.*"),
        ("blocks.0.0.bn1.*", $"{Body}1.block.0.1.*"),
        ("blocks.0.0.conv_pw.*", $"{Body}1.block.1.0.*"),
        ("blocks.0.0.bn2.*", $"{Body}1.block.1.1.*"),
        .. TimmStage(1, layer: 2, hasSqueeze: false),
        .. TimmStage(2, layer: 4, hasSqueeze: true),
        .. TimmStage(3, layer: 7, hasSqueeze: false),
        .. TimmStage(4, layer: 11, hasSqueeze: true),
        .. TimmStage(5, layer: 13, hasSqueeze: true),
        ("blocks.6.0.conv.*", $"{Body}16.0.*"),
        ("blocks.6.0.bn1.*", $"{Body}16.1.*"),
    ]);

    /// <summary>Returns the name within a detector of torchvision; a name that is no backbone's is kept.</summary>
    public static string Torchvision(string name) => WithPrefix(name, TorchvisionPrefixes);

    /// <summary>Returns the name within a detector of Detectron2; a name that is no backbone's is kept.</summary>
    public static string Detectron2(string name) => WithPrefix(name, Detectron2Prefixes);

    /// <summary>
    /// Returns the name within a detector of torchvision, for timm's MobileNetV3-Large: it has stages of blocks instead of one sequence, and
    /// the parts of a block have names instead of numbers.
    /// </summary>
    public static string TimmMobileNet(string name) => TimmMobileNetNames.Rename(name)!;

    private static string WithPrefix(string name, (string From, string To)[] prefixes)
    {
        foreach (var (from, to) in prefixes)
        {
            if (name.StartsWith(from, StringComparison.Ordinal))
                return to + name[from.Length..];
        }
        return name;
    }

    /// <param name="stage">The number of a stage of inverted residual blocks.</param>
    /// <param name="layer">torchvision's number of its first block.</param>
    /// <param name="hasSqueeze">Whether its blocks have squeeze-and-excitation.</param>
    private static (string From, string? To)[] TimmStage(int stage, int layer, bool hasSqueeze)
    {
        var (from, to) = ($"blocks.{stage}.{{b}}.", $"{Body}{{b+{layer}}}.block.");
        var projection = hasSqueeze ? 3 : 2;
        return
        [
            ($"{from}conv_pw.*", $"{to}0.0.*"),
            ($"{from}bn1.*", $"{to}0.1.*"),
            ($"{from}conv_dw.*", $"{to}1.0.*"),
            ($"{from}bn2.*", $"{to}1.1.*"),
            ($"{from}se.conv_reduce.*", $"{to}2.fc1.*"),
            ($"{from}se.conv_expand.*", $"{to}2.fc2.*"),
            ($"{from}conv_pwl.*", $"{to}{projection}.0.*"),
            ($"{from}bn3.*", $"{to}{projection}.1.*"),
        ];
    }
}
