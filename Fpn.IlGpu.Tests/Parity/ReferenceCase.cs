using System.Text.Json;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Parity;

/// <summary>A network, its pictures, and what torchvision makes of them (see fixtures/make_reference.py).</summary>
internal sealed record ReferenceCase(string Name)
{
    private static string Fixtures => Path.Combine(TestContext.CurrentContext.TestDirectory, "Parity", "fixtures");

    private string? Weights => Name == "shapes" ? null : Path.Combine(Fixtures, Name + "-fpn.safetensors");

    public static readonly string[] Names = ["shapes", "bottleneck"];

    public static IEnumerable<TestCaseData> Pictures() =>
        from name in Names
        from picture in new ReferenceCase(name).Expected().Keys
        select new TestCaseData(name, picture);

    public FasterRcnn Load(Device device) => FasterRcnn.Load(device, Weights);

    public StateDictionary Stages() => Safetensors.Open(Path.Combine(Fixtures, Name, "stages.safetensors"));

    public string Picture(string file) => Path.Combine(Fixtures, Name, file);

    /// <summary>Every detection of torchvision, best first, by picture.</summary>
    public Dictionary<string, List<ExpectedDetection>> Expected()
    {
        var folder = Path.Combine(Path.GetDirectoryName(typeof(ReferenceCase).Assembly.Location)!, "Parity", "fixtures", Name);
        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "expected.json")));
        return json.RootElement.EnumerateObject().ToDictionary(
            p => p.Name,
            p => p.Value.GetProperty("detections").EnumerateArray().Select(ExpectedDetection.From).ToList());
    }

    public override string ToString() => Name;
}

internal readonly record struct ExpectedDetection(Box Box, int Label, float Score)
{
    public static ExpectedDetection From(JsonElement json)
    {
        var box = json.GetProperty("box").EnumerateArray().Select(v => v.GetSingle()).ToArray();
        return new(
            new Box(box[0], box[1], box[2], box[3]), json.GetProperty("label").GetInt32(), json.GetProperty("score").GetSingle());
    }
}
