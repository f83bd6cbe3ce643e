using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Training;

/// <summary>The small networks of fixtures/make_*.py, and the batch that these scripts and the tests run them on.</summary>
internal static class StepFixture
{
    /// <summary>The shape of the batch, [N, H, W, C].</summary>
    public static readonly Shape Input = new(2, 128, 192, 3);

    /// <summary>The values of the batch, computed as in the scripts.</summary>
    public static float[] Pictures()
        => [.. Enumerable.Range(0, (int)Input.Length).Select(i => (float)(1.5 * Math.Sin(0.7 * i + 1e-4 * i * (double)i)))];

    /// <summary>Opens a network with its expected values.</summary>
    public static StateDictionary Open(string name) => Safetensors.Open(
        Path.Combine(TestContext.CurrentContext.TestDirectory, "Training", "fixtures", name + ".safetensors"));
}
