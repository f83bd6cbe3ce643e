using System.Text.Json;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Parity;

/// <summary>
/// A network, its pictures, and the results of torchvision or Detectron2 (see the scripts in fixtures/).
/// </summary>
internal sealed record ReferenceCase(string Name)
{
    private static readonly string Fixtures =
        Path.Combine(Path.GetDirectoryName(typeof(ReferenceCase).Assembly.Location)!, "Parity", "fixtures");

    /// <summary>The shipped model, the model with bottlenecks, and those of zoo/ and detectron2/.</summary>
    public static readonly string[] Names = ["shapes", "bottleneck", .. Cases("zoo"), .. Cases("detectron2")];

    private string Folder => Path.Combine(Fixtures, Name);

    private string? Weights => Name switch
    {
        "shapes" => null,
        "bottleneck" => Path.Combine(Fixtures, "bottleneck-fpn.safetensors"),
        _ => Directory.GetFiles(Folder, "model.*").Single(),
    };

    public static IEnumerable<TestCaseData> Pictures()
        => from name in Names
           from picture in new ReferenceCase(name).Expected().Keys
           select new TestCaseData(name, picture);

    /// <summary>Detectron2's pictures in which something is found when they are resized as in Detectron2.</summary>
    public static IEnumerable<TestCaseData> Detectron2Pictures()
        => from name in Names
           where name.StartsWith("detectron2/", StringComparison.Ordinal)
           from expected in new ReferenceCase(name).Expected("detections_pil")
           where expected.Value.Any(detection => detection.Score >= 0.1f)
           select new TestCaseData(name, expected.Key);

    /// <param name="device">The device to load onto.</param>
    /// <param name="antialias">For Detectron2's models: whether pictures are resized as in Detectron2.</param>
    public Detector Load(Device device, bool antialias = false) => Detector.Load(device, Weights, Settings(antialias));

    public StateDictionary Stages() => Safetensors.Open(Path.Combine(Folder, "stages.safetensors"));

    public string Picture(string file)
    {
        var own = Path.Combine(Folder, file);
        return File.Exists(own) ? own : Path.Combine(Path.GetDirectoryName(Folder)!, file);
    }

    /// <summary>Every detection of the reference, best first, by picture.</summary>
    /// <param name="key">The list's key in expected.json.</param>
    public Dictionary<string, List<ExpectedDetection>> Expected(string key = "detections")
    {
        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder, "expected.json")));
        return json.RootElement.EnumerateObject().ToDictionary(
            p => p.Name,
            p => p.Value.GetProperty(key).EnumerateArray().Select(ExpectedDetection.From).ToList());
    }

    public override string ToString() => Name;

    /// <summary>
    /// Detectron2's files hold no configuration: the loader must find the conventions that they imply. Only the sizes and counts
    /// that were made small for the test are given.
    /// </summary>
    private string? Settings(bool antialias)
    {
        if (!Name.StartsWith("detectron2/", StringComparison.Ordinal))
            return null;
        using var stages = Stages();
        using var json = JsonDocument.Parse(stages.Metadata[ModelConfiguration.MetadataKey]);
        string[] keys = ["min_size", "max_size", "rpn_pre_nms_top_n", "rpn_post_nms_top_n"];
        var settings = string.Join(",", keys.Select(key => $"\"{key}\":{json.RootElement.GetProperty(key)}"));
        return $"{{{settings},\"resize_antialias\":{(antialias ? "true" : "false")}}}";
    }

    private static IEnumerable<string> Cases(string folder)
        => Directory.GetDirectories(Path.Combine(Fixtures, folder)).Order(StringComparer.Ordinal)
            .Select(d => $"{folder}/{Path.GetFileName(d)}");
}

/// <summary>One detection of a reference; its mask as COCO's run lengths, or null.</summary>
internal sealed record ExpectedDetection(Box Box, int Label, float Score, int[]? MaskRuns)
{
    public static ExpectedDetection From(JsonElement json)
    {
        var box = json.GetProperty("box").EnumerateArray().Select(v => v.GetSingle()).ToArray();
        return new(
            new Box(box[0], box[1], box[2], box[3]), json.GetProperty("label").GetInt32(), json.GetProperty("score").GetSingle(),
            json.TryGetProperty("mask", out var mask) ? [.. mask.GetProperty("runs").EnumerateArray().Select(v => v.GetInt32())] : null);
    }
}
