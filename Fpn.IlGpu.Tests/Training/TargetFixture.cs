using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Training;

/// <summary>One case of fixtures/targets.safetensors: the results of torchvision's Matcher and BoxCoder.</summary>
internal sealed class TargetFixture(int number)
{
    private static readonly Lazy<StateDictionary> File = new(() => Safetensors.Open(
        Path.Combine(TestContext.CurrentContext.TestDirectory, "Training", "fixtures", "targets.safetensors")));

    /// <summary>All cases.</summary>
    public static IEnumerable<int> Numbers => Enumerable.Range(0, int.Parse(File.Value.Metadata["cases"], null));

    public Box[] Candidates => Boxes("candidates");

    public Box[] Truth => Boxes("truth");

    public float[] Values(string name) => File.Value[$"{number}.{name}"].ToArray();

    public int[] Matches(string name) => Array.ConvertAll(Values(name), value => (int)value);

    private Box[] Boxes(string name) => [.. Values(name).Chunk(4).Select(b => new Box(b[0], b[1], b[2], b[3]))];
}
