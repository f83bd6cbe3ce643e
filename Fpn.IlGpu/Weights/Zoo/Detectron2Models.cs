namespace Fpn.IlGpu.Weights;

/// <summary>
/// Detectron2's detectors with a feature pyramid, trained on COCO: addresses as in
/// <c>detectron2/model_zoo/model_zoo.py</c>, figures and licence as in its <c>MODEL_ZOO.md</c>, conventions as in
/// <c>detectron2/config/defaults.py</c>, <c>configs/Base-RCNN-FPN.yaml</c> and each model's own file below it.
/// </summary>
internal static class Detectron2Models
{
    /// <summary>The conventions that all its models with a feature pyramid share.</summary>
    public static readonly ModelConfiguration Conventions = new()
    {
        Bgr = true,
        PixelScale = 1,
        Mean = [103.53f, 116.28f, 123.675f],
        Std = [1, 1, 1],
        ResizeRounds = true,
        ResizeAntialias = true,
        AnchorStridesDouble = true,
        RoundAnchors = false,
        StrideInFirstConvolution = true,
        RoiAligned = true,
        RoiSamplingRatio = 0,
        RoiLevelEpsilon = 0,
        MaskBoxRounded = false,
        BackgroundLast = true,
    };

    private static readonly ModelConfiguration FasterRcnn = Conventions with { Classes = [.. CocoClasses.BackgroundLast] };

    private static readonly ModelConfiguration ResNeXt = AsResNeXt(FasterRcnn);

    private static readonly ModelConfiguration MaskRcnn = FasterRcnn with { Detector = DetectorKind.MaskRcnn };

    /// <summary>The RPN alone. It has no class names: it only separates objects from the background.</summary>
    public static readonly ModelConfiguration Proposals = Conventions with
    {
        Detector = DetectorKind.ProposalNetwork,
        RpnPostNmsTopN = 2000,
    };

    public static IReadOnlyList<ZooModel> All { get; } =
    [
        Model("COCO-Detection/faster_rcnn_R_50_FPN_1x/137257794/model_final_b275ba", FasterRcnn, boxAp: 37.9),
        Model("COCO-Detection/faster_rcnn_R_50_FPN_3x/137849458/model_final_280758", FasterRcnn, boxAp: 40.2),
        Model("COCO-Detection/faster_rcnn_R_101_FPN_3x/137851257/model_final_f6e8b1", FasterRcnn, boxAp: 42.0),
        Model("COCO-Detection/faster_rcnn_X_101_32x8d_FPN_3x/139173657/model_final_68b088", ResNeXt, boxAp: 43.0),
        Model("COCO-Detection/rpn_R_50_FPN_1x/137258492/model_final_02ce48", Proposals, proposalAr: 58.0),
        Model("COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_1x/137260431/model_final_a54504", MaskRcnn, boxAp: 38.6, maskAp: 35.2),
        Model("COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x/137849600/model_final_f10217", MaskRcnn, boxAp: 41.0, maskAp: 37.2),
    ];

    /// <summary>
    /// The configuration of a model with a ResNeXt, which came from Caffe2: another input scale, and the stride where the
    /// ResNeXt paper has it.
    /// </summary>
    public static ModelConfiguration AsResNeXt(ModelConfiguration configuration) => configuration with
    {
        Std = [57.375f, 57.12f, 58.395f],
        StrideInFirstConvolution = false,
    };

    // The path consists of the configuration file, the model id and the file name, which ends in the first six digits of its
    // MD5.
    private static ZooModel Model(
        string path, ModelConfiguration configuration, double? boxAp = null, double? maskAp = null, double? proposalAr = null)
        => new()
        {
            Name = $"detectron2_{path.Split('/')[1]}",
            Url = new Uri($"https://dl.fbaipublicfiles.com/detectron2/{path}.pkl"),
            Digest = new ModelDigest(DigestAlgorithm.Md5, path[^6..]),
            Source = "Detectron2",
            Licence = "CC BY-SA 3.0",
            Configuration = configuration,
            BoxAp = boxAp,
            MaskAp = maskAp,
            ProposalAr = proposalAr,
        };
}
