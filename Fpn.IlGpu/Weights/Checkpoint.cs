using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// Opens model weights in any of the published file formats and naming schemes. Opened weights have torchvision's newest tensor
/// names and a configuration that states the conventions they were trained with.
/// </summary>
public static class Checkpoint
{
    /// <summary>Opens a detector.</summary>
    /// <param name="path">
    /// A checkpoint of torchvision, Detectron2 or Detectron (<c>.pth</c>, <c>.pt</c>, <c>.pkl</c>), or safetensors, in one file
    /// or sharded.
    /// </param>
    /// <param name="options">What the file does not say; null for nothing.</param>
    /// <returns>The tensors under torchvision's names, with a complete <c>fpn.config</c> in the metadata.</returns>
    /// <exception cref="WeightsException">
    /// The file is missing, broken or refused, it holds no detector, or the configuration has an unknown key or an invalid
    /// value.
    /// </exception>
    public static StateDictionary Open(string path, ModelOptions? options = null)
        => Understood(WeightsFile.Open(path), options, allowBackbone: false);

    /// <summary>Opens a detector that is read from a stream, which is read to its end into memory and stays open.</summary>
    /// <param name="stream">The bytes of a file as <see cref="Open(string, ModelOptions?)"/> reads it, from the current position on; not an index of several files.</param>
    /// <param name="source">The name of the stream in messages.</param>
    /// <param name="options">What the file does not say; null for nothing.</param>
    /// <returns>The tensors under torchvision's names, with a complete <c>fpn.config</c> in the metadata.</returns>
    /// <exception cref="WeightsException">As for a file; or the stream can't be read, or has 2 GiB or more.</exception>
    public static StateDictionary Open(Stream stream, string source = "The stream", ModelOptions? options = null)
        => Understood(WeightsFile.Open(stream, source), options, allowBackbone: false);

    /// <summary>Opens a detector that is in memory. The bytes are not copied; don't change them until the result is disposed.</summary>
    /// <param name="bytes">The whole file, as <see cref="Open(string, ModelOptions?)"/> reads it; not an index of several files.</param>
    /// <param name="source">The name of the bytes in messages.</param>
    /// <param name="options">What the file does not say; null for nothing.</param>
    /// <returns>The tensors under torchvision's names, with a complete <c>fpn.config</c> in the metadata.</returns>
    /// <exception cref="WeightsException">As for a file.</exception>
    public static StateDictionary Open(ReadOnlyMemory<byte> bytes, string source = "The bytes", ModelOptions? options = null)
        => Understood(WeightsFile.Open(bytes, source), options, allowBackbone: false);

    /// <summary>As above, with the options as JSON, or null for none.</summary>
    internal static StateDictionary Open(string path, string? overrides) => Open(path, ModelOptions.OfJson(overrides));

    /// <summary>
    /// Opens weights to start training from, or to compute feature maps with: a detector, or a backbone alone, under the names that it has
    /// in torchvision, timm or Detectron2, or within a detector.
    /// </summary>
    /// <param name="path">See <see cref="Open(string, ModelOptions?)"/>.</param>
    /// <param name="options">What the file does not say; null for nothing.</param>
    /// <returns>
    /// The tensors under torchvision's names, with a complete <c>fpn.config</c>; where <see cref="IsBackbone"/>, it states only the
    /// conventions of the input and of the backbone.
    /// </returns>
    /// <exception cref="WeightsException">The file is missing, broken or refused, or holds neither.</exception>
    internal static StateDictionary OpenAny(string path, ModelOptions? options = null)
        => Understood(WeightsFile.Open(path), options, allowBackbone: true);

    /// <summary>Understands an opened file, which is disposed if it can't be understood.</summary>
    internal static StateDictionary Understood(StateDictionary file, ModelOptions? options, bool allowBackbone)
    {
        try
        {
            return Understand(file, options, allowBackbone);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Writes weights to a file, which has a checksum if it is safetensors. It is written under a temporary name in the same folder, and
    /// moved to its place once it is complete.
    /// </summary>
    /// <param name="weights">The tensors and their metadata, such as <see cref="Open(string, ModelOptions?)"/> or a trainer returns them.</param>
    /// <param name="path">
    /// The file; one that exists is replaced. Its ending decides the format: <c>.safetensors</c>, or <c>.pth</c> or <c>.pt</c> for a state
    /// dict that <c>torch.load(…, weights_only=True)</c> reads.
    /// </param>
    /// <param name="dataType">F32, F16 or BF16; values are rounded to nearest.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="dataType"/> is another.</exception>
    /// <exception cref="WeightsException">The file can't be written, its ending is another, or a value is too large for the type.</exception>
    public static void Save(StateDictionary weights, string path, DataType dataType = DataType.F32)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(path);
        CheckWritten(dataType);
        if (ModelFormats.IsPyTorch(path))
            PyTorchWriter.Write(path, [.. weights.Tensors.Values], dataType, weights.Metadata);
        else
            SafetensorsWriter.Write(path, [.. weights.Tensors.Values], dataType, weights.Metadata);
    }

    /// <summary>Writes weights as safetensors to a stream, which stays open.</summary>
    /// <param name="weights">The tensors and their metadata.</param>
    /// <param name="stream">Receives the bytes of the file; it need not be seekable.</param>
    /// <param name="dataType">F32, F16 or BF16; values are rounded to nearest.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="dataType"/> is another.</exception>
    /// <exception cref="WeightsException">The stream failed, or a value is too large for the type.</exception>
    public static void Save(StateDictionary weights, Stream stream, DataType dataType = DataType.F32)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(stream);
        CheckWritten(dataType);
        SafetensorsWriter.Write(stream, [.. weights.Tensors.Values], dataType, weights.Metadata);
    }

    /// <summary>Whether opened weights are a backbone without heads.</summary>
    internal static bool IsBackbone(StateDictionary weights) => ModelParts.IsBackboneAlone([.. weights.Tensors.Keys]);

    /// <summary>
    /// Returns the same tensors under torchvision's names, with their configuration. The result owns <paramref name="file"/>. Weights that
    /// were understood before stay as they are, but for the options.
    /// </summary>
    /// <param name="file">The tensors as they are named in the file.</param>
    /// <param name="options">What the file does not say; null for nothing.</param>
    /// <param name="allowBackbone">Whether a backbone alone will do.</param>
    internal static StateDictionary Understand(StateDictionary file, ModelOptions? options = null, bool allowBackbone = false)
    {
        var plain = TensorNames.WithoutPrefix(file, options?.Prefix);
        var source = WeightsSource.Of(plain);
        var renamed = Rename(plain, source);
        if (!allowBackbone)
            ModelParts.RefuseBackboneAlone(plain, renamed.Keys);
        var metadata = new Dictionary<string, string>(file.Metadata, StringComparer.Ordinal);
        metadata[ModelConfiguration.MetadataKey] = Configure(plain, source, renamed, options).ToJson();
        return new StateDictionary(file.Source, renamed.Values, metadata, file) { Format = file.Format };
    }

    private static void CheckWritten(DataType dataType)
    {
        if (dataType is not (DataType.F32 or DataType.F16 or DataType.BF16))
            throw new ArgumentOutOfRangeException(nameof(dataType), dataType, "Weights are F32, F16 or BF16.");
    }

    private static Dictionary<string, StateTensor> Rename(StateDictionary file, WeightsSource source)
    {
        var renamed = new Dictionary<string, StateTensor>(StringComparer.Ordinal);
        foreach (var tensor in file.Tensors.Values)
        {
            // The number of training batches is not needed after training.
            var name = tensor.Name.EndsWith(".num_batches_tracked", StringComparison.Ordinal) ? null : source.Rename(tensor.Name);
            if (name is not null && !renamed.TryAdd(name, name == tensor.Name ? tensor : new RenamedTensor(name, tensor)))
            {
                throw new WeightsException(
                    $"{file.Source}: two of its tensors map to the name {WeightsException.Quote(name)}; "
                    + $"one of them is {WeightsException.Quote(tensor.Name)}.");
            }
        }
        source.Complete(renamed);
        return renamed;
    }

    private static ModelConfiguration Configure(
        StateDictionary file, WeightsSource source, Dictionary<string, StateTensor> tensors, ModelOptions? options)
    {
        try
        {
            var configuration = file.Metadata.ContainsKey(ModelConfiguration.MetadataKey)
                ? ModelConfiguration.Of(file)
                : source.Configuration(file, tensors, KindOf(file, tensors.Keys, options));
            if (configuration.UnknownKeys.Length > 0)
            {
                throw new WeightsException(
                    $"'fpn.config' has keys that this version doesn't know: {string.Join(", ", configuration.UnknownKeys)}.");
            }
            return options?.Apply(configuration) ?? configuration;
        }
        catch (WeightsException e) when (!e.Message.StartsWith(file.Source, StringComparison.Ordinal))
        {
            throw new WeightsException($"{file.Source}: {e.Message}", e);
        }
    }

    /// <summary>The kind of detector that the user names or the tensors tell; null for a backbone alone.</summary>
    private static string? KindOf(StateDictionary file, IReadOnlyCollection<string> names, ModelOptions? options)
        => ModelParts.IsBackboneAlone(names) ? null : options?.NamedDetector() ?? ModelParts.KindOf(file, names);
}
