using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// What the shapes of a model's tensors can't tell: class names, sizes, thresholds and the conventions that it was
/// trained with. Kept as JSON under the key <c>fpn.config</c> of a weights file's metadata; what is absent there has
/// the value that torchvision's <c>fasterrcnn_resnet50_fpn</c> uses. The JSON's keys are given with each property;
/// they are torchvision's argument names where it has one.
/// </summary>
public sealed record ModelConfiguration
{
    /// <summary>The key of a weights file's metadata that holds the JSON.</summary>
    public const string MetadataKey = "fpn.config";

    /// <summary>Which detector the weights belong to, one of <see cref="DetectorKind"/>. Key <c>detector</c>.</summary>
    public string Detector { get; init; } = DetectorKind.FasterRcnn;

    /// <summary>What stands between backbone and heads, one of <see cref="PyramidKind"/>. Key <c>pyramid</c>.</summary>
    public string Pyramid { get; init; } = PyramidKind.Fpn;

    /// <summary>Mean of each input channel [3], after <see cref="PixelScale"/>. Key <c>mean</c>.</summary>
    public float[] Mean { get; init; } = [0.485f, 0.456f, 0.406f];

    /// <summary>Standard deviation of each input channel [3], after <see cref="PixelScale"/>. Key <c>std</c>.</summary>
    public float[] Std { get; init; } = [0.229f, 0.224f, 0.225f];

    /// <summary>
    /// Sides of the anchors in input px, [level][size]. Key <c>anchor_sizes</c>: a list of lists, or of one number a
    /// level.
    /// </summary>
    public float[][] AnchorSizes { get; init; } = [[32], [64], [128], [256], [512]];

    /// <summary>Height / width of the anchors. Key <c>aspect_ratios</c>.</summary>
    public float[] AspectRatios { get; init; } = [0.5f, 1, 2];

    /// <summary>
    /// Each level's stride is twice that of the level below (Detectron2), else input / map, rounded down (torchvision).
    /// They differ where a map's side is odd. Key <c>anchor_strides_double</c>.
    /// </summary>
    public bool AnchorStridesDouble { get; init; }

    /// <summary>Length that the picture's shorter side is resized to, in px. Key <c>min_size</c>.</summary>
    public int MinSize { get; init; } = 800;

    /// <summary>What the longer side may not exceed after that, in px. Key <c>max_size</c>.</summary>
    public int MaxSize { get; init; } = 1333;

    /// <summary>
    /// A featurised image pyramid: the shorter sides, in px, at each of which the network runs, what it finds being merged by NMS;
    /// the longest side grows with them. Empty for <see cref="MinSize"/> alone. Key <c>image_pyramid</c>.
    /// </summary>
    public int[] ImagePyramid { get; init; } = [];

    /// <summary>
    /// The resized picture's sides are rounded to the nearest px (Detectron2), else down (torchvision). Key
    /// <c>resize_rounds</c>.
    /// </summary>
    public bool ResizeRounds { get; init; }

    /// <summary>
    /// Pictures that shrink are averaged, and resized ones rounded to whole levels, as Pillow does it for Detectron2; else
    /// they are interpolated between neighbours (torchvision). Key <c>resize_antialias</c>.
    /// </summary>
    public bool ResizeAntialias { get; init; }

    /// <summary>The input is padded to a multiple of this, in px. Key <c>size_divisible</c>.</summary>
    public int SizeDivisor { get; init; } = 32;

    /// <summary>Proposals a level kept before NMS. Key <c>rpn_pre_nms_top_n</c>.</summary>
    public int RpnPreNmsTopN { get; init; } = 1000;

    /// <summary>Proposals a picture kept after NMS. Key <c>rpn_post_nms_top_n</c>.</summary>
    public int RpnPostNmsTopN { get; init; } = 1000;

    /// <summary>IoU over which the lower of two proposals of a level goes. Key <c>rpn_nms_thresh</c>.</summary>
    public float RpnNmsThreshold { get; init; } = 0.7f;

    /// <summary>Objectness (after the sigmoid) that proposals must reach. Key <c>rpn_score_thresh</c>.</summary>
    public float RpnScoreThreshold { get; init; }

    /// <summary>Score that detections must exceed. Key <c>box_score_thresh</c>.</summary>
    public float BoxScoreThreshold { get; init; } = 0.05f;

    /// <summary>IoU over which the lower of two detections of a class goes. Key <c>box_nms_thresh</c>.</summary>
    public float BoxNmsThreshold { get; init; } = 0.5f;

    /// <summary>Detections a picture kept. Key <c>box_detections_per_img</c>.</summary>
    public int BoxDetectionsPerImage { get; init; } = 100;

    /// <summary>RetinaNet: pairs of anchor and class a level kept before NMS. Key <c>topk_candidates</c>.</summary>
    public int TopkCandidates { get; init; } = 1000;

    /// <summary>
    /// Mask R-CNN: probability above which a pixel belongs to an object; with exact boxes, also at which. Key
    /// <c>mask_thresh</c>.
    /// </summary>
    public float MaskThreshold { get; init; } = 0.5f;

    /// <summary>
    /// Mask R-CNN: masks are pasted into boxes rounded to whole px (torchvision), else into the boxes as they are
    /// (Detectron2). Key <c>mask_box_rounded</c>.
    /// </summary>
    public bool MaskBoxRounded { get; init; } = true;

    /// <summary>Divisors of the box head's dx, dy, dw, dh [4]. Key <c>bbox_reg_weights</c>.</summary>
    public float[] BoxWeights { get; init; } = [10, 10, 5, 5];

    /// <summary>
    /// Name of each class, in the order of the logits, background included (first, or last with
    /// <see cref="BackgroundLast"/>); null where the file names none. Key <c>classes</c>.
    /// </summary>
    public string[]? Classes { get; init; }

    /// <summary>The input's channels are blue, green, red. Key <c>bgr</c>.</summary>
    public bool Bgr { get; init; }

    /// <summary>Input = (pixel in 0…255 · scale − mean) / std. Key <c>pixel_scale</c>.</summary>
    public float PixelScale { get; init; } = 1f / 255;

    /// <summary>
    /// A bottleneck's stride is in its first 1×1 convolution, else in its 3×3. Key
    /// <c>stride_in_first_convolution</c>.
    /// </summary>
    public bool StrideInFirstConvolution { get; init; }

    /// <summary>Added to a batch norm's variance. Key <c>batch_norm_eps</c>.</summary>
    public float BatchNormEpsilon { get; init; } = 1e-5f;

    /// <summary>The anchors' corners, around 0, are rounded to whole px. Key <c>round_anchors</c>.</summary>
    public bool RoundAnchors { get; init; } = true;

    /// <summary>RoI features by max pooling, the paper's; else by RoIAlign. Key <c>roi_max_pool</c>.</summary>
    public bool RoiMaxPool { get; init; }

    /// <summary>RoIAlign shifts by half a pixel, and lets RoIs be smaller than one. Key <c>roi_aligned</c>.</summary>
    public bool RoiAligned { get; init; }

    /// <summary>
    /// RoIAlign's samples a side of a bin; 0 adapts them to the RoI's size. Key <c>roi_sampling_ratio</c>.
    /// </summary>
    public int RoiSamplingRatio { get; init; } = 2;

    /// <summary>
    /// Level of a RoI = floor(4 + log2(sqrt(w·h) / 224) + this), so that sizes on a boundary don't depend on rounding.
    /// Key <c>roi_level_eps</c>.
    /// </summary>
    public float RoiLevelEpsilon { get; init; } = 1e-6f;

    /// <summary>The background is the last class, else the first. Key <c>background_last</c>.</summary>
    public bool BackgroundLast { get; init; }

    /// <summary>Keys of the JSON that mean nothing here, in its order.</summary>
    public IReadOnlyList<string> UnknownKeys { get; init; } = [];

    /// <summary>Reads a configuration. Keys that are not known are kept as <see cref="UnknownKeys"/>.</summary>
    /// <param name="json">A JSON object; null for the defaults.</param>
    /// <exception cref="WeightsException">It is no JSON object, or a value can't be: the key and the value are
    /// named.</exception>
    public static ModelConfiguration Parse(string? json)
        => json is null ? new ModelConfiguration() : ModelConfigurationJson.Read(json);

    /// <summary>This configuration, with some keys changed.</summary>
    /// <param name="json">A JSON object of the keys to change.</param>
    /// <exception cref="WeightsException">It is no JSON object, a key is not known, or a value can't be.</exception>
    public ModelConfiguration With(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        var changed = ModelConfigurationJson.Read(json, this);
        return changed.UnknownKeys.Count == 0
            ? changed with { UnknownKeys = UnknownKeys }
            : throw new WeightsException($"There is no configuration key {WeightsException.Quote(changed.UnknownKeys[0])}.");
    }

    /// <summary>The configuration of a weights file: its metadata's <c>fpn.config</c>, or the defaults.</summary>
    /// <exception cref="WeightsException">As <see cref="Parse"/>; the file is named too.</exception>
    public static ModelConfiguration Of(StateDictionary weights)
    {
        ArgumentNullException.ThrowIfNull(weights);
        try
        {
            return Parse(weights.Metadata.GetValueOrDefault(MetadataKey));
        }
        catch (WeightsException e)
        {
            throw new WeightsException($"{weights.Source}: {e.Message}", e);
        }
    }

    /// <summary>
    /// The keys whose values are not the defaults, with their values as JSON; neither the detector nor the classes' names.
    /// </summary>
    public IEnumerable<KeyValuePair<string, string>> Differences() => ModelConfigurationJson.Differences(this);

    /// <summary>All of it as JSON, as <see cref="Parse"/> reads it.</summary>
    public string ToJson() => ModelConfigurationJson.Write(this);
}
