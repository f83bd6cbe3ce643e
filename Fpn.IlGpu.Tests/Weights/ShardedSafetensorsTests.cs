using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Weights;

public class ShardedSafetensorsTests
{
    private const string Index =
        """
        {"metadata": {"total_size": 24, "note": "of the index"},
         "weight_map": {"a": "w-1.safetensors", "b": "w-2.safetensors", "c": "w-1.safetensors"}}
        """;

    private string folder = "", path = "";

    [SetUp]
    public void MakeFolder()
    {
        folder = Directory.CreateTempSubdirectory("fpn-weights-").FullName;
        path = Path.Combine(folder, "w.safetensors.index.json");
        Safetensors.Write(
            Path.Combine(folder, "w-1.safetensors"),
            [("a", [2], [1, 2]), ("c", [], [3]), ("not in the index", [], [0])],
            metadata: new Dictionary<string, string> { ["fpn.config"] = "{}", ["note"] = "of a file" });
        Safetensors.Write(Path.Combine(folder, "w-2.safetensors"), [("b", [3], [4, 5, 6])]);
    }

    [TearDown]
    public void RemoveFolder() => Directory.Delete(folder, recursive: true);

    [TestCase(false)]
    [TestCase(true)]
    public void Tensors_of_several_files_are_read(bool byFolder)
    {
        File.WriteAllText(path, Index);
        var weights = WeightsFile.Open(byFolder ? folder : path);
        Assert.That(weights.Format, Is.EqualTo("sharded safetensors"));
        Assert.That(weights.Tensors.Keys, Is.EqualTo(new[] { "a", "b", "c" }));
        Assert.That(weights.Read("a", 2), Is.EqualTo(new[] { 1f, 2 }));
        Assert.That(weights.Read("b", 3), Is.EqualTo(new[] { 4f, 5, 6 }));
        Assert.That(weights.Read("c"), Is.EqualTo(new[] { 3f }));
        Assert.That(weights.Metadata["note"], Is.EqualTo("of the index"));
        Assert.That(weights.Metadata["fpn.config"], Is.EqualTo("{}"));
        weights.Dispose();
        Assert.That(() => weights.Read("b", 3), Throws.TypeOf<ObjectDisposedException>());
    }

    [TestCase("{\"weight_map\": {\"a\": \"../w-1.safetensors\"}}", "is not a file in the index's folder")]
    [TestCase("{\"weight_map\": {\"a\": \"/elsewhere/w-1.safetensors\"}}", "is not a file in the index's folder")]
    [TestCase("{\"weight_map\": {\"a\": \"..\"}}", "is not a file in the index's folder")]
    [TestCase("{\"weight_map\": {\"a\": \"sub\\\\w\"}}", "is not a file in the index's folder")]
    [TestCase("{\"weight_map\": {\"a\": \"C:w\"}}", "is not a file in the index's folder")]
    [TestCase("{\"weight_map\": {\"a\": \"\"}}", "is not a file in the index's folder")]
    [TestCase("{\"weight_map\": {\"a\": 1}}", "'a' has a file name in the index that is not a string")]
    [TestCase("{\"weight_map\": {\"a\": \"none.safetensors\"}}", "none.safetensors: there is no such weights file")]
    [TestCase("{\"weight_map\": {\"z\": \"w-1.safetensors\"}}", "w-1.safetensors: the tensor 'z' is missing")]
    [TestCase("{\"weight_map\": {\"a\": \"w-1.safetensors\", \"a\": \"w-1.safetensors\"}}", "the tensor 'a' appears twice")]
    [TestCase("{\"weight_map\": []}", "without a weight_map")]
    [TestCase("{\"weight_map\": {\"\\uD800\": \"w\"}}", "not valid JSON")]
    [TestCase("{\"weight_map\": {\"a\": \"\\uD800\"}}", "not valid JSON")]
    public void An_invalid_index_is_refused(string index, string says)
    {
        File.WriteAllText(path, index);
        Assert.That(() => WeightsFile.Open(path), Throws.TypeOf<WeightsException>().With.Message.Contains(says));
    }

    [Test]
    public void A_folder_with_two_indexes_is_refused()
    {
        File.WriteAllText(path, Index);
        File.WriteAllText(Path.Combine(folder, "v.safetensors.index.json"), Index);
        Assert.That(
            () => WeightsFile.Open(folder), Throws.TypeOf<WeightsException>().With.Message.Contains("a folder with 2 files"));
    }
}
