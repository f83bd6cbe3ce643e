using System.Text.Json;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// Weights in several safetensors files, with an index (JSON) that maps each tensor to its file:
/// <code>
/// {"metadata": {"total_size": 123}, "weight_map": {"a.weight": "model-00001-of-00002.safetensors", …}}
/// </code>
/// Source: Hugging Face, "Safetensors", section on sharded checkpoints (model.safetensors.index.json).
/// </summary>
internal static class ShardedSafetensors
{
    /// <summary>The end of an index's name.</summary>
    public const string IndexSuffix = ".safetensors.index.json";

    private const int LargestIndex = 1 << 24;
    private const int MostFiles = 10_000;
    private const int MostTensors = 20_000;

    /// <summary>Returns the path of the only index in a folder.</summary>
    /// <exception cref="WeightsException">The folder can't be read, or doesn't hold exactly one index.</exception>
    public static string IndexIn(string folder)
    {
        string[] found;
        try
        {
            found = Directory.GetFiles(folder, "*" + IndexSuffix);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WeightsException($"{folder}: can't be read ({e.Message.TrimEnd('.')}).", e);
        }
        return found.Length == 1
            ? found[0]
            : throw new WeightsException(
                $"{folder}: is a folder with {found.Length} files *{IndexSuffix}; opening a folder needs exactly one.");
    }

    /// <summary>Opens the files that an index lists, in its folder. Their metadata is merged; the index takes precedence.</summary>
    /// <exception cref="WeightsException">The index is invalid, or a file is invalid or lacks a tensor.</exception>
    public static StateDictionary Open(TensorBytes index, string folder, SourceName source)
    {
        if (index.Length > LargestIndex)
            throw source.Wrong($"the index has {index.Length} bytes; the limit is {LargestIndex}");
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        var map = Parse(index.Copy(0, (int)index.Length), metadata, source);
        var shards = new Shards();
        try
        {
            foreach (var file in map.Select(entry => entry.File).Distinct())
                shards.Open(file, Path.Combine(folder, file));
            foreach (var shard in shards.All)
            {
                foreach ((var key, var value) in shard.Metadata)
                    metadata.TryAdd(key, value);
            }

            return new StateDictionary(
                source.Name, map.Select(entry => shards[entry.File][entry.Tensor]), metadata.AsReadOnly(), shards)
            {
                Format = "sharded safetensors",
            };
        }
        catch
        {
            shards.Dispose();
            throw;
        }
    }

    private static List<(string Tensor, string File)> Parse(byte[] json, Dictionary<string, string> metadata, SourceName source)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 8 });
            if (document.RootElement.ValueKind != JsonValueKind.Object
                || !document.RootElement.TryGetProperty("weight_map", out var map)
                || map.ValueKind != JsonValueKind.Object)
            {
                throw source.Wrong("is JSON without a weight_map, so it is not the index of a sharded safetensors file");
            }

            if (document.RootElement.TryGetProperty("metadata", out var about) && about.ValueKind == JsonValueKind.Object)
            {
                foreach (var property in about.EnumerateObject())
                {
                    if (property.Value.ValueKind == JsonValueKind.String)
                        metadata[property.Name] = property.Value.GetString()!;
                }
            }

            return Map(map, source);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The reader throws InvalidOperationException for text that is not valid UTF-8.
            throw source.Wrong("the index is not valid JSON", e);
        }
    }

    private static List<(string Tensor, string File)> Map(JsonElement map, SourceName source)
    {
        var entries = new List<(string, string)>();
        var files = new HashSet<string>(StringComparer.Ordinal);
        foreach (var property in map.EnumerateObject())
        {
            if (property.Value.ValueKind != JsonValueKind.String)
                throw source.WrongTensor(property.Name, "has a file name in the index that is not a string");
            var file = property.Value.GetString()!;
            if (file is "" or "." or ".." || file.AsSpan().ContainsAny("/\\:\0"))
            {
                throw source.WrongTensor(
                    property.Name, $"is listed in {WeightsException.Quote(file)}, which is not a file in the index's folder");
            }

            files.Add(file);
            entries.Add((property.Name, file));
            if (entries.Count > MostTensors)
                throw source.Wrong($"the index names more than {MostTensors} tensors");
        }
        if (files.Count > MostFiles)
            throw source.Wrong($"the index names {files.Count} files; the limit is {MostFiles}");
        return entries;
    }

    /// <summary>The files, which stay open until the dictionary is disposed.</summary>
    private sealed class Shards : IDisposable
    {
        private readonly Dictionary<string, StateDictionary> files = new(StringComparer.Ordinal);

        public IEnumerable<StateDictionary> All => files.Values;

        public StateDictionary this[string file] => files[file];

        public void Open(string file, string path) => files.Add(file, Safetensors.Open(path));

        public void Dispose()
        {
            foreach (var file in files.Values)
                file.Dispose();
        }
    }
}
