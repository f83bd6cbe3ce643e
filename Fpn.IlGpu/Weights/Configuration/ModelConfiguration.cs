using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// The properties of a model that its tensors' shapes don't determine: class names, sizes, thresholds and training conventions.
/// They are stored as JSON under the key <c>fpn.config</c> of a weights file's metadata. An absent key has the value of
/// torchvision's <c>fasterrcnn_resnet50_fpn</c>. Each property states its JSON key, which is torchvision's argument name where
/// one exists. Configurations can't change and compare by value.
/// </summary>
public sealed record ModelConfiguration
{
    /// <summary>The key of a weights file's metadata that holds the JSON.</summary>
    public const string MetadataKey = "fpn.config";

    /// <summary>Which detector the weights belong to, one of <see cref="DetectorKind"/>. Key <c>detector</c>.</summary>
    public string Detector { get; init; } = DetectorKind.FasterRcnn;

    /// <summary>What connects the backbone and the heads, one of <see cref="PyramidKind"/>. Key <c>pyramid</c>.</summary>
    public string Pyramid { get; init; } = PyramidKind.Fpn;

    /// <summary>Mean of each input channel [3], after <see cref="PixelScale"/>. Key <c>mean</c>.</summary>
    public ValueList<float> Mean { get; init; } = [0.485f, 0.456f, 0.406f];

    /// <summary>Standard deviation of each input channel [3], after <see cref="PixelScale"/>. Key <c>std</c>.</summary>
    public ValueList<float> Std { get; init; } = [0.229f, 0.224f, 0.225f];

    /// <summary>
    /// Sides of the anchors in input px, [level][size]. Key <c>anchor_sizes</c>: a list of lists, or a list of one number per
    /// level.
    /// </summary>
    public ValueList<ValueList<float>> AnchorSizes { get; init; } = [[32], [64], [128], [256], [512]];

    /// <summary>Height / width of the anchors. Key <c>aspect_ratios</c>.</summary>
    public ValueList<float> AspectRatios { get; init; } = [0.5f, 1, 2];

    /// <summary>
    /// Whether each level's stride is twice that of the level below (Detectron2). Otherwise it is input / map, rounded down
    /// (torchvision). The two differ where a map's side is odd. Key <c>anchor_strides_double</c>.
    /// </summary>
    public bool AnchorStridesDouble { get; init; }

    /// <summary>The length to which the picture's shorter side is resized, in px. Key <c>min_size</c>.</summary>
    public int MinSize { get; init; } = 800;

    /// <summary>The upper limit of the longer side after resizing, in px. Key <c>max_size</c>.</summary>
    public int MaxSize { get; init; } = 1333;

    /// <summary>
    /// A featurised image pyramid: the shorter sides, in px, at which the network runs. NMS merges the detections of all runs.
    /// The limit of the longer side grows in proportion. Empty to run at <see cref="MinSize"/> alone. Key <c>image_pyramid</c>.
    /// </summary>
    public ValueList<int> ImagePyramid { get; init; } = [];

    /// <summary>
    /// Whether the resized picture's sides are rounded to the nearest px (Detectron2) instead of down (torchvision). Key
    /// <c>resize_rounds</c>.
    /// </summary>
    public bool ResizeRounds { get; init; }

    /// <summary>
    /// Whether shrinking averages pixels and resized pixel values are rounded to integers, as Pillow does for Detectron2.
    /// Otherwise pixels are interpolated between neighbours (torchvision). Key <c>resize_antialias</c>.
    /// </summary>
    public bool ResizeAntialias { get; init; }

    /// <summary>The input is padded to a multiple of this, in px. Key <c>size_divisible</c>.</summary>
    public int SizeDivisor { get; init; } = 32;

    /// <summary>The number of proposals per level kept before NMS. Key <c>rpn_pre_nms_top_n</c>.</summary>
    public int RpnPreNmsTopN { get; init; } = 1000;

    /// <summary>The number of proposals per picture kept after NMS. Key <c>rpn_post_nms_top_n</c>.</summary>
    public int RpnPostNmsTopN { get; init; } = 1000;

    /// <summary>IoU above which NMS removes the lower-scored of two proposals of a level. Key <c>rpn_nms_thresh</c>.</summary>
    public float RpnNmsThreshold { get; init; } = 0.7f;

    /// <summary>The objectness (after the sigmoid) that a proposal must reach. Key <c>rpn_score_thresh</c>.</summary>
    public float RpnScoreThreshold { get; init; }

    /// <summary>The score that a detection must exceed. Key <c>box_score_thresh</c>.</summary>
    public float BoxScoreThreshold { get; init; } = 0.05f;

    /// <summary>IoU above which NMS removes the lower-scored of two detections of a class. Key <c>box_nms_thresh</c>.</summary>
    public float BoxNmsThreshold { get; init; } = 0.5f;

    /// <summary>The number of detections kept per picture. Key <c>box_detections_per_img</c>.</summary>
    public int BoxDetectionsPerImage { get; init; } = 100;

    /// <summary>RetinaNet: the number of pairs of anchor and class per level kept before NMS. Key <c>topk_candidates</c>.</summary>
    public int TopkCandidates { get; init; } = 1000;

    /// <summary>
    /// Mask R-CNN: the probability above which a pixel belongs to an object. Without <see cref="MaskBoxRounded"/>, a pixel at
    /// exactly this probability belongs to it too. Key <c>mask_thresh</c>.
    /// </summary>
    public float MaskThreshold { get; init; } = 0.5f;

    /// <summary>
    /// Mask R-CNN: whether masks are pasted into boxes rounded to whole px (torchvision) instead of the exact boxes
    /// (Detectron2). Key <c>mask_box_rounded</c>.
    /// </summary>
    public bool MaskBoxRounded { get; init; } = true;

    /// <summary>Divisors of the box head's deltas dx, dy, dw, dh, [4]. Key <c>bbox_reg_weights</c>.</summary>
    public ValueList<float> BoxWeights { get; init; } = [10, 10, 5, 5];

    /// <summary>
    /// The name of each class, in the order of the logits, background included (first, or last with
    /// <see cref="BackgroundLast"/>); null if the file names none. Key <c>classes</c>.
    /// </summary>
    public ValueList<string>? Classes { get; init; }

    /// <summary>Whether the input's channels are in the order blue, green, red. Key <c>bgr</c>.</summary>
    public bool Bgr { get; init; }

    /// <summary>Input = (pixel in 0…255 · scale − mean) / std. Key <c>pixel_scale</c>.</summary>
    public float PixelScale { get; init; } = 1f / 255;

    /// <summary>
    /// Whether a bottleneck's stride is in its first 1×1 convolution instead of its 3×3 convolution. Key
    /// <c>stride_in_first_convolution</c>.
    /// </summary>
    public bool StrideInFirstConvolution { get; init; }

    /// <summary>Added to a batch norm's variance. Key <c>batch_norm_eps</c>.</summary>
    public float BatchNormEpsilon { get; init; } = 1e-5f;

    /// <summary>
    /// Whether the corners of the anchors, which are centred on 0, are rounded to whole px. Key <c>round_anchors</c>.
    /// </summary>
    public bool RoundAnchors { get; init; } = true;

    /// <summary>
    /// Whether RoI features are max-pooled, as in the paper, instead of computed by RoIAlign. Key <c>roi_max_pool</c>.
    /// </summary>
    public bool RoiMaxPool { get; init; }

    /// <summary>Whether RoIAlign shifts by half a pixel and allows RoIs smaller than one pixel. Key <c>roi_aligned</c>.</summary>
    public bool RoiAligned { get; init; }

    /// <summary>
    /// RoIAlign's samples per side of a bin; 0 adapts the number to the RoI's size. Key <c>roi_sampling_ratio</c>.
    /// </summary>
    public int RoiSamplingRatio { get; init; } = 2;

    /// <summary>
    /// The side, in input px, of a RoI that is read from <see cref="RoiCanonicalLevel"/>: a RoI's level is
    /// floor(k0 + log2(sqrt(w·h) / this) + ε) (paper, equation 1). Published models have 224, for inputs of 800 px. For smaller inputs it
    /// should be smaller, too, or no RoI is large enough for the coarse levels. Key <c>roi_canonical_side</c>.
    /// </summary>
    public float RoiCanonicalSide { get; init; } = 224;

    /// <summary>The level of a RoI of the canonical side, k0: 4 for P4. Key <c>roi_canonical_level</c>.</summary>
    public int RoiCanonicalLevel { get; init; } = 4;

    /// <summary>
    /// The ε of the formula for a RoI's level, so that the level of a size on a boundary doesn't depend on rounding. Key
    /// <c>roi_level_eps</c>.
    /// </summary>
    public float RoiLevelEpsilon { get; init; } = 1e-6f;

    /// <summary>Whether the background is the last class instead of the first. Key <c>background_last</c>.</summary>
    public bool BackgroundLast { get; init; }

    /// <summary>The JSON's unknown keys, in its order.</summary>
    public ValueList<string> UnknownKeys { get; init; } = [];

    /// <summary>Reads a configuration. Unknown keys are kept in <see cref="UnknownKeys"/>.</summary>
    /// <param name="json">A JSON object; null for the defaults.</param>
    /// <exception cref="WeightsException">
    /// The text is not a JSON object, or a value is invalid; the message names the key and the value.
    /// </exception>
    public static ModelConfiguration Parse(string? json)
        => json is null ? new ModelConfiguration() : ModelConfigurationJson.Read(json);

    /// <summary>Returns this configuration with some keys changed.</summary>
    /// <param name="json">A JSON object with the keys to change.</param>
    /// <exception cref="WeightsException">The text is not a JSON object, a key is unknown, or a value is invalid.</exception>
    public ModelConfiguration With(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        var changed = ModelConfigurationJson.Read(json, this);
        return changed.UnknownKeys.Length == 0
            ? changed with { UnknownKeys = UnknownKeys }
            : throw new WeightsException(ModelConfigurationJson.SentenceOfUnknown(changed.UnknownKeys[0]));
    }

    /// <summary>Returns the configuration of a weights file: its metadata's <c>fpn.config</c>, or the defaults.</summary>
    /// <exception cref="WeightsException">As for <see cref="Parse"/>; the message also names the file.</exception>
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
    /// The keys whose values differ from the defaults, with their values as JSON, except for the detector and the class names.
    /// </summary>
    public IEnumerable<KeyValuePair<string, string>> Differences() => ModelConfigurationJson.Differences(this);

    /// <summary>Returns the complete configuration as JSON, as <see cref="Parse"/> reads it.</summary>
    public string ToJson() => ModelConfigurationJson.Write(this);
}
