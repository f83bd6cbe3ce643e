namespace Fpn.IlGpu.Weights;

/// <summary>
/// torchvision's detectors with a feature pyramid, trained on COCO: addresses, figures and arguments as in
/// <c>torchvision/models/detection</c> (the weights named COCO_V1 of each function), sizes as in its documentation.
/// </summary>
internal static class TorchvisionModels
{
    // Without class names, which follow from the number of classes, these conventions also apply to users' own files.
    private static readonly ModelConfiguration FasterRcnn = new() { Classes = [.. CocoClasses.Names] };

    // The first weights were trained with frozen batch norms without an epsilon; later code sets it to 0 for these weights only
    // (pytorch/vision#2933).
    private static readonly ModelConfiguration FirstFasterRcnn = FasterRcnn with { BatchNormEpsilon = 0 };

    private static readonly ModelConfiguration MaskRcnn = FasterRcnn with { Detector = DetectorKind.MaskRcnn };

    /// <summary>Three sizes per level, a third of an octave apart, truncated to whole px as in torchvision.</summary>
    public static readonly ModelConfiguration RetinaNet = FasterRcnn with
    {
        Detector = DetectorKind.RetinaNet,
        AnchorSizes = [[32, 40, 50], [64, 80, 101], [128, 161, 203], [256, 322, 406], [512, 645, 812]],
        BoxWeights = [1, 1, 1, 1],
        BoxDetectionsPerImage = 300,
    };

    /// <summary>All five sizes on each of its three levels.</summary>
    public static readonly ModelConfiguration MobileNet = FasterRcnn with
    {
        AnchorSizes = [[32, 64, 128, 256, 512], [32, 64, 128, 256, 512], [32, 64, 128, 256, 512]],
        RpnScoreThreshold = 0.05f,
    };

    private static readonly ModelConfiguration SmallMobileNet = MobileNet with
    {
        MinSize = 320,
        MaxSize = 640,
        RpnPreNmsTopN = 150,
        RpnPostNmsTopN = 150,
    };

    // The whole SHA-256 of files for which several independent projects state the same one. It begins with torchvision's digits.
    private static readonly string[] Digests =
    [
        "258fb6c638b15964ddcdd1ae0748c5eef1be9e732750120cc857feed3faac384",
        "dd69338a24b8d7381807e247652bdc356325bcbaf1cd3e092e00e0a1a58706bf",
        "fb6a3cc702b1df54c18a44b26708cd083614211062d0c36d2ca7bf9270df3533",
        "73cbd0190fcbe3ba339921fbce2c3a0b6bb9126c9a133c85e43a2a8e060a109e",
        "5905b1c544219215e544dbe319720397bc4e68de61a733a59350d7976645b769",
    ];

    public static IReadOnlyList<ZooModel> All { get; } =
    [
        Model("fasterrcnn_resnet50_fpn", "fasterrcnn_resnet50_fpn_coco-258fb6c6", 41_755_286, 159.743, FirstFasterRcnn, 37.0),
        Model("fasterrcnn_resnet50_fpn_v2", "fasterrcnn_resnet50_fpn_v2_coco-dd69338a", 43_712_278, 167.104, FasterRcnn, 46.7),
        Model("fasterrcnn_mobilenet_v3_large_fpn", "fasterrcnn_mobilenet_v3_large_fpn-fb6a3cc7", 19_386_354, 74.239, MobileNet, 32.8),
        Model(
            "fasterrcnn_mobilenet_v3_large_320_fpn", "fasterrcnn_mobilenet_v3_large_320_fpn-907ea3f9",
            19_386_354, 74.239, SmallMobileNet, 22.8),
        Model(
            "maskrcnn_resnet50_fpn", "maskrcnn_resnet50_fpn_coco-bf2d0c1e",
            44_401_393, 169.84, MaskRcnn with { BatchNormEpsilon = 0 }, 37.9, 34.6),
        Model("maskrcnn_resnet50_fpn_v2", "maskrcnn_resnet50_fpn_v2_coco-73cbd019", 46_359_409, 177.219, MaskRcnn, 47.4, 41.8),
        Model(
            "retinanet_resnet50_fpn", "retinanet_resnet50_fpn_coco-eeacb38b",
            34_014_999, 130.267, RetinaNet with { BatchNormEpsilon = 0 }, 36.4),
        Model("retinanet_resnet50_fpn_v2", "retinanet_resnet50_fpn_v2_coco-5905b1c5", 38_198_935, 146.037, RetinaNet, 41.5),
    ];

    // The file name ends in the first eight digits of its SHA-256, which is all that torchvision states.
    private static ZooModel Model(
        string name, string file, long parameters, double mebibytes, ModelConfiguration configuration,
        double boxAp, double? maskAp = null)
        => new()
        {
            Name = name,
            Url = new Uri($"https://download.pytorch.org/models/{file}.pth"),
            Digest = new ModelDigest(
                DigestAlgorithm.Sha256,
                Digests.FirstOrDefault(digest => digest.StartsWith(file[^8..], StringComparison.Ordinal)) ?? file[^8..]),
            Source = "torchvision",
            Licence = "BSD-3-Clause",
            Configuration = configuration,
            BoxAp = boxAp,
            MaskAp = maskAp,
            Parameters = parameters,
            ApproximateBytes = (long)(mebibytes * (1 << 20)),
        };
}
