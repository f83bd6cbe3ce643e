using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Fpn.IlGpu.Experiments.Scenes;
using Fpn.IlGpu.Imaging;

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

    [TestCase(320, 320, 280, 40)]
    [TestCase(97, 64, 60, 300)]
    public void Masks_fill_their_boxes(int width, int height, int largest, int scenes)
    {
        var (shares, options) = (new Dictionary<int, List<double>>(), new SyntheticShapesOptions { LargestPx = largest });
        for (var seed = 0UL; seed < (ulong)scenes; seed++)
        {
            var scene = SyntheticShapes.Scene(seed, width, height, options);
            Assert.That(scene.Masks, Has.Count.EqualTo(scene.Shapes.Count));
            foreach (var (shape, mask) in scene.Shapes.Zip(scene.Masks))
            {
                var bounds = MaskOverlap.Bounds(mask);
                Assert.That((mask.Width, mask.Height), Is.EqualTo((width, height)));
                Assert.That(
                    (bounds.Left, bounds.Top, bounds.Right, bounds.Bottom), Is.EqualTo((shape.X1, shape.Y1, shape.X2, shape.Y2)));
                // Whole, and large enough for a px more or less not to matter.
                if (shape is { X1: > 0, Y1: > 0 } && shape.X2 < width && shape.Y2 < height && shape.X2 - shape.X1 >= 30)
                {
                    shares.TryAdd(shape.ClassIndex, []);
                    shares[shape.ClassIndex].Add((double)mask.Area / ((shape.X2 - shape.X1) * (shape.Y2 - shape.Y1)));
                }
            }
        }
        // A disc is π / 4 of its box, and a ring has a hole of 0.55² of it.
        Assert.That(shares[0], Is.All.EqualTo(0.785).Within(0.05));
        Assert.That(shares[4], Is.All.EqualTo(0.785 * (1 - 0.3025)).Within(0.05));
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
