using System.Text.Json.Nodes;
using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Tests.Cli;

/// <summary>A test of <c>fpn data</c>, with small grey pictures.</summary>
internal abstract class DataCommandTest : CommandTest
{
    protected const int Width = 80;
    protected const int Height = 60;

    protected void PutPicture(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(path))!);
        var image = new RgbImage(Width, Height);
        image.Pixels.AsSpan().Fill(128);
        PictureWriter.Write(image, At(path));
    }

    protected void Put(string path, string text) => Put(path, System.Text.Encoding.UTF8.GetBytes(text));

    protected JsonNode Json(string path) => JsonNode.Parse(File.ReadAllText(At(path)))!;

    /// <summary>Each object of a COCO file as "file class x,y,width,height", sorted.</summary>
    protected string[] ObjectsIn(string path)
    {
        var json = Json(path);
        var pictures = json["images"]!.AsArray().ToDictionary(p => p!["id"]!.ToJsonString(), p => (string)p!["file_name"]!);
        var classes = json["categories"]!.AsArray().ToDictionary(c => c!["id"]!.ToJsonString(), c => (string)c!["name"]!);
        return
        [
            .. json["annotations"]!.AsArray().Select(o => $"{pictures[o!["image_id"]!.ToJsonString()]} {classes[o["category_id"]!.ToJsonString()]} "
                + string.Join(',', o["bbox"]!.AsArray().Select(n => n!.ToJsonString()))).Order(StringComparer.Ordinal),
        ];
    }

    protected string[] PicturesIn(string path) => [.. Json(path)["images"]!.AsArray().Select(p => (string)p!["file_name"]!)];

    protected string[] ClassesIn(string path) => [.. Json(path)["categories"]!.AsArray().Select(c => (string)c!["name"]!)];

    /// <summary>
    /// Writes a set of pictures p0.png, p1.png, …, without their files. Picture i has i mod 3 cats, a dog if i is divisible by 4, and a
    /// crowd of mice if it is 0; objects have a key that is not COCO's.
    /// </summary>
    protected void PutSet(string path, int pictures, string extra = "")
    {
        var objects = new List<string>();
        for (var i = 0; i < pictures; i++)
        {
            for (var cat = 0; cat < i % 3; cat++)
                objects.Add(Object(i, 3, $"[{4 * cat}, 5, 30.5, 20]"));
            if (i % 4 == 0)
                objects.Add(Object(i, 5, "[10, 10, 8, 8]"));
        }
        objects.Add(Object(0, 9, "[0, 0, 50, 50]").Replace("\"iscrowd\": 0", "\"iscrowd\": 1", StringComparison.Ordinal));
        Put(path, $$"""
            {
              "info": { "year": 2026 },
              "images": [{{string.Join(", ", Enumerable.Range(0, pictures).Select(i => $$"""
                { "id": "p{{i}}", "file_name": "p{{i}}.png", "width": {{Width}}, "height": {{Height}}, "taken": "today" }
                """))}}],
              "annotations": [{{string.Join(", ", objects)}}{{extra}}],
              "categories": [{ "id": 3, "name": "cat" }, { "id": 5, "name": "dog", "supercategory": "animal" }, { "id": 9, "name": "mouse" }]
            }
            """);

        string Object(int picture, int category, string box) => $$"""
            { "id": {{1000 + objects.Count}}, "image_id": "p{{picture}}", "category_id": {{category}}, "bbox": {{box}},
              "area": 64, "iscrowd": 0, "segmentation": [[10, 10, 18, 10, 18, 18]], "by": "hand" }
            """;
    }
}
