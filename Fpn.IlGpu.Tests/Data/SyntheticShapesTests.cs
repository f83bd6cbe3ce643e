using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Fpn.IlGpu.Experiments.Scenes;

namespace Fpn.IlGpu.Tests.Data;

/// <summary>Scenes against those of the reference script, pixel by pixel (fixtures/scenes.json).</summary>
public class SyntheticShapesTests
{
    private static readonly Lazy<JsonElement> Fixture = new(() => JsonDocument.Parse(File.ReadAllText(Path.Combine(
        TestContext.CurrentContext.TestDirectory, "Data", "fixtures", "scenes.json"))).RootElement);

    [Test]
    public void Scenes_equal_those_of_the_reference_script_pixel_by_pixel()
    {
        var different = new List<string>();
        foreach (var expected in Fixture.Value.GetProperty("scenes").EnumerateArray())
        {
            var seed = expected.GetProperty("seed").GetUInt64();
            var scene = SyntheticShapes.Scene(seed, expected.GetProperty("width").GetInt32(), expected.GetProperty("height").GetInt32());
            var boxes = expected.GetProperty("boxes").Deserialize<int[][]>()!;
            var labels = expected.GetProperty("labels").Deserialize<int[]>()!;
            var shapes = boxes.Zip(labels, (b, label) => new SyntheticShape(label - 1, b[0], b[1], b[2], b[3]));
            if (!shapes.SequenceEqual(scene.Shapes))
                different.Add($"{seed}: {string.Join(' ', scene.Shapes)}");
            if (Convert.ToHexStringLower(SHA256.HashData(scene.Image.Pixels)) != expected.GetProperty("sha256").GetString())
                different.Add($"{seed}: pixels");
        }
        Assert.That(different, Is.Empty);
    }

    [Test]
    public void The_500_held_out_scenes_equal_those_of_the_reference_script()
    {
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var scenes = Enumerable.Range(0, 500).AsParallel().AsOrdered().Select(i => SyntheticShapes.Scene(500000 + (ulong)i));
        foreach (var scene in scenes)
        {
            digest.AppendData(scene.Image.Pixels);
            var boxes = scene.Shapes.Select(s => $"({s.X1}, {s.Y1}, {s.X2}, {s.Y2})");
            var labels = scene.Shapes.Select(s => s.ClassIndex + 1);
            digest.AppendData(Encoding.ASCII.GetBytes($"[{string.Join(", ", boxes)}][{string.Join(", ", labels)}]"));
        }
        Assert.That(Convert.ToHexStringLower(digest.GetHashAndReset()), Is.EqualTo(Fixture.Value.GetProperty("held").GetString()));
    }
}
