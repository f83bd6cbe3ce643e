using System.Collections.Concurrent;
using System.Text.Json;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Reference;

/// <summary>One case of a file of fixtures: an operator's parameters, inputs and outputs.</summary>
internal sealed class Fixture
{
    private static readonly ConcurrentDictionary<string, StateDictionary> Files = [];

    private readonly StateDictionary cases;
    private readonly string name;
    private readonly JsonElement parameters;

    private Fixture(StateDictionary cases, string name)
    {
        this.cases = cases;
        this.name = name;
        parameters = JsonDocument.Parse(cases.Metadata[name]).RootElement;
    }

    /// <summary>All cases of an operator.</summary>
    /// <param name="operatorName">The operator's name.</param>
    /// <param name="file">The name of the fixture file.</param>
    public static IEnumerable<Fixture> Of(string operatorName, string file)
    {
        var cases = Files.GetOrAdd(file, static name => Safetensors.Open(
            Path.Combine(TestContext.CurrentContext.TestDirectory, "Reference", "fixtures", name)));
        for (var i = 0; cases.Metadata.ContainsKey($"{operatorName}.{i}"); i++)
            yield return new Fixture(cases, $"{operatorName}.{i}");
    }

    /// <summary>Whether the case has this tensor.</summary>
    public bool Has(string tensor) => cases.Contains($"{name}.{tensor}");

    /// <summary>A tensor's values.</summary>
    public float[] Values(string tensor) => cases[$"{name}.{tensor}"].ToArray();

    /// <summary>A tensor's values, or null where the case has none.</summary>
    public float[]? ValuesOrNull(string tensor) => Has(tensor) ? Values(tensor) : null;

    /// <summary>A tensor's values, as whole numbers.</summary>
    public int[] Indices(string tensor) => Array.ConvertAll(Values(tensor), value => (int)value);

    /// <summary>A tensor's extents.</summary>
    public int[] Extents(string tensor) => [.. cases[$"{name}.{tensor}"].Shape];

    /// <summary>Extents of an NHWC tensor.</summary>
    public Shape4 Shape(string tensor)
        => Extents(tensor) is [int n, int h, int w, int c] ? new(n, h, w, c) : throw new InvalidDataException(name);

    /// <summary>Whether the case has this parameter.</summary>
    public bool HasParameter(string key) => parameters.TryGetProperty(key, out _);

    /// <summary>A parameter.</summary>
    public T Get<T>(string key) => parameters.GetProperty(key).Deserialize<T>()!;

    /// <summary>A parameter of two numbers: along y, along x.</summary>
    public (int Y, int X) Pair(string key)
        => Get<int[]>(key) is [int y, int x] ? (y, x) : throw new InvalidDataException(name);

    /// <summary>Compares a result with one of the case's tensors.</summary>
    public void Check(string tensor, float[] actual, double atol = 1e-5, double rtol = 1e-5)
        => Comparison.AssertClose(actual, Values(tensor), atol, rtol, Extents(tensor), $"{name}.{tensor}");

    /// <summary>Compares indices with one of the case's tensors, exactly.</summary>
    public void Check(string tensor, int[] actual)
        => Assert.That(actual, Is.EqualTo(Indices(tensor)), $"{name}.{tensor}");
}
