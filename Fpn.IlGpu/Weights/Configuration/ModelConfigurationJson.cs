using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>Reads a <see cref="ModelConfiguration"/> from JSON, checking each value, and writes it as JSON.</summary>
internal static class ModelConfigurationJson
{
    // Far above the values of any real model: these limits keep a hostile file from requesting absurd amounts of memory.
    private const int LargestSize = 32768;
    private const int MostBoxes = 1_000_000;
    private const int MostCandidates = 20_000;
    private const int MostClasses = 100_000;
    private const int MostLevels = 16;
    private const int MostScales = 16;
    private const int MostAnchors = 64;

    /// <summary>Sets one property from its value in the JSON.</summary>
    private delegate ModelConfiguration Setter(ModelConfiguration configuration, in Value value);

    private static readonly Dictionary<string, Setter> Setters = new(StringComparer.Ordinal)
    {
        ["detector"] = (c, in v) => c with { Detector = v.Text() },
        ["pyramid"] = (c, in v) => c with { Pyramid = v.OneOf(PyramidKind.All) },
        ["mean"] = (c, in v) => c with { Mean = v.Numbers(3, 3, -float.MaxValue, float.MaxValue) },
        ["std"] = (c, in v) => c with { Std = v.NumbersOtherThanZero(3) },
        ["anchor_sizes"] = (c, in v) => c with { AnchorSizes = v.NumbersOrLists(MostLevels, MostAnchors, LargestSize) },
        ["anchor_strides_double"] = (c, in v) => c with { AnchorStridesDouble = v.Flag() },
        ["aspect_ratios"] = (c, in v) => c with { AspectRatios = v.Numbers(1, MostAnchors, 0.001f, 1000) },
        ["min_size"] = (c, in v) => c with { MinSize = v.Whole(1, LargestSize) },
        ["max_size"] = (c, in v) => c with { MaxSize = v.Whole(1, LargestSize) },
        ["image_pyramid"] = (c, in v) => c with { ImagePyramid = v.Wholes(MostScales, 1, LargestSize) },
        ["resize_rounds"] = (c, in v) => c with { ResizeRounds = v.Flag() },
        ["resize_antialias"] = (c, in v) => c with { ResizeAntialias = v.Flag() },
        ["size_divisible"] = (c, in v) => c with { SizeDivisor = v.Whole(1, 1024) },
        ["rpn_pre_nms_top_n"] = (c, in v) => c with { RpnPreNmsTopN = v.Whole(1, MostBoxes) },
        ["rpn_post_nms_top_n"] = (c, in v) => c with { RpnPostNmsTopN = v.Whole(1, MostBoxes) },
        ["rpn_nms_thresh"] = (c, in v) => c with { RpnNmsThreshold = v.Number(0, 1) },
        ["rpn_score_thresh"] = (c, in v) => c with { RpnScoreThreshold = v.Number(0, 1) },
        ["box_score_thresh"] = (c, in v) => c with { BoxScoreThreshold = v.Number(0, 1) },
        ["box_nms_thresh"] = (c, in v) => c with { BoxNmsThreshold = v.Number(0, 1) },
        ["box_detections_per_img"] = (c, in v) => c with { BoxDetectionsPerImage = v.Whole(1, MostBoxes) },
        ["topk_candidates"] = (c, in v) => c with { TopkCandidates = v.Whole(1, MostCandidates) },
        ["mask_thresh"] = (c, in v) => c with { MaskThreshold = v.Number(0, 1) },
        ["mask_box_rounded"] = (c, in v) => c with { MaskBoxRounded = v.Flag() },
        ["bbox_reg_weights"] = (c, in v) => c with { BoxWeights = v.Numbers(4, 4, 1e-6f, 1e6f) },
        ["classes"] = (c, in v) => c with { Classes = v.TextsOrNull(MostClasses) },
        ["bgr"] = (c, in v) => c with { Bgr = v.Flag() },
        ["pixel_scale"] = (c, in v) => c with { PixelScale = v.Number(1e-6f, 1e6f) },
        ["stride_in_first_convolution"] = (c, in v) => c with { StrideInFirstConvolution = v.Flag() },
        ["batch_norm_eps"] = (c, in v) => c with { BatchNormEpsilon = v.Number(0, 1) },
        ["round_anchors"] = (c, in v) => c with { RoundAnchors = v.Flag() },
        ["roi_max_pool"] = (c, in v) => c with { RoiMaxPool = v.Flag() },
        ["roi_aligned"] = (c, in v) => c with { RoiAligned = v.Flag() },
        ["roi_sampling_ratio"] = (c, in v) => c with { RoiSamplingRatio = v.Whole(0, 64) },
        ["roi_canonical_side"] = (c, in v) => c with { RoiCanonicalSide = v.Number(1, 1e5f) },
        ["roi_canonical_level"] = (c, in v) => c with { RoiCanonicalLevel = v.Whole(0, 16) },
        ["roi_level_eps"] = (c, in v) => c with { RoiLevelEpsilon = v.Number(0, 0.5f) },
        ["background_last"] = (c, in v) => c with { BackgroundLast = v.Flag() },
    };

    /// <summary>The keys of a configuration.</summary>
    public static IEnumerable<string> Keys => Setters.Keys;

    public static ModelConfiguration Read(string json, ModelConfiguration? from = null)
    {
        var options = new JsonDocumentOptions { MaxDepth = 16, AllowDuplicateProperties = false };
        try
        {
            using var document = JsonDocument.Parse(json, options);
            return Read(document.RootElement, from);
        }
        catch (Exception e) when (e is JsonException or ArgumentException or InvalidOperationException)
        {
            // For text that is not valid Unicode the library throws one of the latter two.
            throw new WeightsException(
                $"The configuration {WeightsException.Quote(json)} is not valid JSON, or has a key twice.", e);
        }
    }

    /// <summary>The sentence for a key that there isn't, with the nearest ones.</summary>
    public static string SentenceOfUnknown(string key)
        => $"There is no configuration key {WeightsException.Quote(key)}{Spelling.Suggestion(key, Keys)}; 'fpn weights keys' lists all of them.";

    public static string Write(ModelConfiguration c)
    {
        using var stream = new MemoryStream();
        var options = new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        using (var json = new Utf8JsonWriter(stream, options))
        {
            json.WriteStartObject();
            json.WriteString("detector", c.Detector);
            json.WriteString("pyramid", c.Pyramid);
            WriteNumbers(json, "mean", c.Mean);
            WriteNumbers(json, "std", c.Std);
            json.WriteStartArray("anchor_sizes");
            foreach (var level in c.AnchorSizes)
                WriteNumbers(json, null, level);
            json.WriteEndArray();
            json.WriteBoolean("anchor_strides_double", c.AnchorStridesDouble);
            WriteNumbers(json, "aspect_ratios", c.AspectRatios);
            json.WriteNumber("min_size", c.MinSize);
            json.WriteNumber("max_size", c.MaxSize);
            json.WriteStartArray("image_pyramid");
            foreach (var side in c.ImagePyramid)
                json.WriteNumberValue(side);
            json.WriteEndArray();
            json.WriteBoolean("resize_rounds", c.ResizeRounds);
            json.WriteBoolean("resize_antialias", c.ResizeAntialias);
            json.WriteNumber("size_divisible", c.SizeDivisor);
            json.WriteNumber("rpn_pre_nms_top_n", c.RpnPreNmsTopN);
            json.WriteNumber("rpn_post_nms_top_n", c.RpnPostNmsTopN);
            json.WriteNumber("rpn_nms_thresh", c.RpnNmsThreshold);
            json.WriteNumber("rpn_score_thresh", c.RpnScoreThreshold);
            json.WriteNumber("box_score_thresh", c.BoxScoreThreshold);
            json.WriteNumber("box_nms_thresh", c.BoxNmsThreshold);
            json.WriteNumber("box_detections_per_img", c.BoxDetectionsPerImage);
            json.WriteNumber("topk_candidates", c.TopkCandidates);
            json.WriteNumber("mask_thresh", c.MaskThreshold);
            json.WriteBoolean("mask_box_rounded", c.MaskBoxRounded);
            WriteNumbers(json, "bbox_reg_weights", c.BoxWeights);
            if (c.Classes is not null)
            {
                json.WriteStartArray("classes");
                foreach (var name in c.Classes)
                    json.WriteStringValue(name);
                json.WriteEndArray();
            }
            json.WriteBoolean("bgr", c.Bgr);
            json.WriteNumber("pixel_scale", c.PixelScale);
            json.WriteBoolean("stride_in_first_convolution", c.StrideInFirstConvolution);
            json.WriteNumber("batch_norm_eps", c.BatchNormEpsilon);
            json.WriteBoolean("round_anchors", c.RoundAnchors);
            json.WriteBoolean("roi_max_pool", c.RoiMaxPool);
            json.WriteBoolean("roi_aligned", c.RoiAligned);
            json.WriteNumber("roi_sampling_ratio", c.RoiSamplingRatio);
            json.WriteNumber("roi_canonical_side", c.RoiCanonicalSide);
            json.WriteNumber("roi_canonical_level", c.RoiCanonicalLevel);
            json.WriteNumber("roi_level_eps", c.RoiLevelEpsilon);
            json.WriteBoolean("background_last", c.BackgroundLast);
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    public static IEnumerable<KeyValuePair<string, string>> Differences(ModelConfiguration configuration)
    {
        using var own = JsonDocument.Parse(Write(configuration));
        using var defaults = JsonDocument.Parse(Write(new ModelConfiguration()));
        var differences = new List<KeyValuePair<string, string>>();
        foreach (var property in own.RootElement.EnumerateObject())
        {
            var isDefault = defaults.RootElement.TryGetProperty(property.Name, out var value)
                && JsonElement.DeepEquals(value, property.Value);
            if (!isDefault && property.Name is not ("detector" or "classes"))
                differences.Add(new(property.Name, property.Value.GetRawText()));
        }
        return differences;
    }

    /// <summary>
    /// Reads an object within a JSON document. Its raw text need not be JSON on its own: it may have the comments and trailing commas that
    /// the document's reader allowed.
    /// </summary>
    public static ModelConfiguration Read(JsonElement root, ModelConfiguration? from = null)
    {
        if (root.ValueKind != JsonValueKind.Object)
            throw new WeightsException($"The configuration {WeightsException.Quote(root.GetRawText())} is not a JSON object.");
        var configuration = from ?? new ModelConfiguration();
        var unknown = new List<string>();
        foreach (var property in root.EnumerateObject())
        {
            if (Setters.TryGetValue(property.Name, out var set))
                configuration = set(configuration, new Value(property.Name, property.Value));
            else
                unknown.Add(property.Name);
        }
        return configuration with { UnknownKeys = [.. unknown] };
    }

    private static void WriteNumbers(Utf8JsonWriter json, string? key, IEnumerable<float> numbers)
    {
        if (key is null)
            json.WriteStartArray();
        else
            json.WriteStartArray(key);
        foreach (var number in numbers)
            json.WriteNumberValue(number);
        json.WriteEndArray();
    }

    /// <summary>A key with its value. Every method throws if the value is invalid, and the message names both.</summary>
    private readonly struct Value(string key, JsonElement element)
    {
        public string Text() => element.ValueKind == JsonValueKind.String && element.GetString() is { Length: > 0 } text
            ? text
            : throw Wrong("a non-empty string");

        public string OneOf(IReadOnlyList<string> words)
            => element.ValueKind == JsonValueKind.String && words.Contains(element.GetString()!)
                ? element.GetString()!
                : throw Wrong($"one of {string.Join(", ", words)}");

        public bool Flag() => element.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? element.GetBoolean()
            : throw Wrong("true or false");

        public int Whole(int least, int most)
            => element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out var number)
            && number >= least && number <= most
                ? number
                : throw Wrong($"a whole number from {least} to {most}");

        public int[] Wholes(int many, int least, int most)
        {
            if (element.ValueKind == JsonValueKind.Array && element.GetArrayLength() <= many
                && element.EnumerateArray().All(item => item.ValueKind == JsonValueKind.Number
                    && item.TryGetInt32(out var number) && number >= least && number <= most))
            {
                return [.. element.EnumerateArray().Select(item => item.GetInt32())];
            }

            throw Wrong($"a list of up to {many} whole numbers from {least} to {most}");
        }

        public float Number(float least, float most)
            => TryNumber(element, least, most, out var number) ? number : throw Wrong(Range(least, most));

        public float[] Numbers(int fewest, int many, float least, float most)
        {
            var wanted = fewest == many ? $"a list of {many} numbers" : $"a list of {fewest} to {many} numbers";
            if (most < float.MaxValue)
                wanted += $", each {Range(least, most)}";
            return ListOf(element, fewest, many, least, most) ?? throw Wrong(wanted);
        }

        public float[] NumbersOtherThanZero(int count)
        {
            var numbers = ListOf(element, count, count, -float.MaxValue, float.MaxValue);
            return numbers is not null && Array.TrueForAll(numbers, n => n != 0 && float.IsNormal(n))
                ? numbers
                : throw Wrong($"a list of {count} non-zero numbers");
        }

        public ValueList<ValueList<float>> NumbersOrLists(int mostLists, int most, float largest)
        {
            const float smallest = 0.01f;
            var lists = new List<ValueList<float>>();
            if (element.ValueKind == JsonValueKind.Array && element.GetArrayLength() <= mostLists)
            {
                foreach (var item in element.EnumerateArray())
                {
                    if (TryNumber(item, smallest, largest, out var number))
                        lists.Add([number]);
                    else if (ListOf(item, 1, most, smallest, largest) is { } list)
                        lists.Add(list);
                }
            }

            return lists.Count > 0 && lists.Count == element.GetArrayLength()
                ? [.. lists]
                : throw Wrong($"a list of 1 to {mostLists} sizes, or lists of sizes, above 0 and up to {largest} px");
        }

        public ValueList<string>? TextsOrNull(int most)
        {
            if (element.ValueKind == JsonValueKind.Null)
                return null;
            if (element.ValueKind == JsonValueKind.Array
                && element.GetArrayLength() is int count && count >= 1 && count <= most
                && element.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String))
            {
                return [.. element.EnumerateArray().Select(item => item.GetString()!)];
            }

            throw Wrong($"a list of 1 to {most} names");
        }

        private static float[]? ListOf(JsonElement list, int fewest, int many, float least, float most)
        {
            if (list.ValueKind != JsonValueKind.Array)
                return null;
            var count = list.GetArrayLength();
            if (count < fewest || count > many)
                return null;
            var numbers = new float[count];
            for (var i = 0; i < count; i++)
            {
                if (!TryNumber(list[i], least, most, out numbers[i]))
                    return null;
            }

            return numbers;
        }

        private static bool TryNumber(JsonElement item, float least, float most, out float number)
        {
            number = 0;
            return item.ValueKind == JsonValueKind.Number && item.TryGetSingle(out number)
                && number >= least && number <= most;
        }

        private static string Range(float least, float most)
            => string.Create(CultureInfo.InvariantCulture, $"a number from {least} to {most}");

        private WeightsException Wrong(string wanted) => new(
            $"The configuration's {key} is {WeightsException.Quote(element.GetRawText())}, but must be {wanted}.");
    }
}
