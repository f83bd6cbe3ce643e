using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// The format of torch.save since PyTorch 1.6: a zip archive with one folder, of any name, which contains
/// <code>
/// data.pkl     the object; tensors refer to storages by key
/// data/KEY     the elements of a storage, without a header; not compressed, at a multiple of 64 bytes
/// byteorder    'little' or 'big', since PyTorch 2.1; older files use the byte order of the machine, which was little
/// version      '3'
/// extra/       what else a program stores; PyTorch ignores it. Our own files have fpn.config and fpn.sha256 there.
/// </code>
/// TorchScript archives look similar, but store their weights together with code. Source: PyTorch's torch/serialization.py
/// (_save, _load) and caffe2/serialize/inline_container.h.
/// </summary>
internal static class PyTorchZip
{
    private const string Pickle = "/data.pkl";

    /// <summary>The largest deflated data.pkl, in bytes: it is inflated as a whole.</summary>
    private const int LargestDeflatedPickle = 1 << 24;

    /// <summary>The largest entry of <c>extra/</c> that is read, in bytes.</summary>
    private const int LargestExtra = 1 << 24;

    /// <summary>Opens an archive and takes ownership of the file.</summary>
    /// <exception cref="WeightsException">The checkpoint is truncated or invalid.</exception>
    public static StateDictionary Open(TensorBytes file, SourceName source)
    {
        var archive = new ZipDirectory(file, source);
        var folder = Folder(archive, source);
        var reader = Reader(file, archive, archive.Entries[folder + Pickle], source);
        var root = new PickleMachine(reader, source, TorchStorage.FromPersistentId).Load();
        var tensors = new CheckpointTensors(source, Storage, IsBigEndian(archive, folder, source));
        var created = tensors.Create(CheckpointLayout.Find(root, source));
        var metadata = Extra(archive, folder, source);
        if (metadata.Remove(SafetensorsChecksum.MetadataKey, out var checksum))
            CheckContent(created, metadata, checksum);
        return new StateDictionary(source.Name, created, metadata, file) { Format = "PyTorch zip" };

        // Our own files have one storage for each tensor, in the same order.
        void CheckContent(IReadOnlyList<StateTensor> all, Dictionary<string, string> metadata, string expected)
        {
            var actual = new SafetensorsChecksum();
            actual.AddMetadata(metadata);
            foreach (var (i, tensor) in all.Index())
            {
                var entry = archive.Entries.GetValueOrDefault($"{folder}/data/{i}");
                if (entry is { Deflated: false })
                {
                    actual.AddTensor(
                        tensor.Name,
                        SafetensorsChecksum.Of(tensor.DataType, tensor.Shape, file, entry.DataOffset, entry.DataOffset + entry.Size));
                }
            }
            if (actual.ToString() != expected)
                throw source.Wrong(SafetensorsChecksum.Damaged);
        }

        ByteSource Storage(TorchStorage storage, string tensor)
        {
            if (archive.Entries.TryGetValue($"{folder}/data/{storage.Key}", out var entry))
                return archive.Bytes(entry);
            return storage.Count == 0
                ? StoredBytes.Of([])
                : throw source.WrongTensor(
                    tensor, $"needs the entry {WeightsException.Quote($"{folder}/data/{storage.Key}")}, which the archive lacks");
        }
    }

    private static string Folder(ZipDirectory archive, SourceName source)
    {
        List<string> folders =
        [
            .. archive.Entries.Keys
                .Where(name => name.EndsWith(Pickle, StringComparison.Ordinal))
                .Select(name => name[..^Pickle.Length])
                .Where(folder => !folder.Contains('/')),
        ];
        // TorchScript keeps its code and constants in such a folder too, with or without a data.pkl.
        var script = archive.Entries.Keys.FirstOrDefault(name =>
            name.EndsWith("/constants.pkl", StringComparison.Ordinal) || name.Split('/') is [_, "code", _, ..]);
        if (script is not null)
            throw source.Wrong("is a TorchScript archive, which is a program: save the state_dict() of the original model instead");
        return folders switch
        {
            [string only] => only,
            [] => throw source.Wrong("is a zip archive, but not a PyTorch one: it has no data.pkl"),
            _ => throw source.Wrong($"is a zip archive with {folders.Count} data.pkl files; a checkpoint has one"),
        };
    }

    private static PickleReader Reader(TensorBytes file, ZipDirectory archive, ZipEntry pickle, SourceName source)
    {
        if (!pickle.Deflated)
            return new PickleReader(file, pickle.DataOffset, pickle.DataOffset + pickle.Size, source);
        if (pickle.Size > LargestDeflatedPickle)
            throw source.Wrong($"its data.pkl claims {pickle.Size} bytes; the limit is {LargestDeflatedPickle}");
        return new PickleReader(new MemoryBytes(Inflate(archive, pickle)), 0, pickle.Size, source);
    }

    private static bool IsBigEndian(ZipDirectory archive, string folder, SourceName source)
    {
        const int longest = 16;
        if (!archive.Entries.TryGetValue(folder + "/byteorder", out var entry))
            return false;
        var order = entry.Size > longest
            ? "…"
            : System.Text.Encoding.ASCII.GetString(Inflate(archive, entry)).Trim();
        return order switch
        {
            "little" => false,
            "big" => true,
            _ => throw source.Wrong($"its byteorder is {WeightsException.Quote(order)}, neither 'little' nor 'big'"),
        };
    }

    /// <summary>Our own entries; none in files of other programs.</summary>
    private static Dictionary<string, string> Extra(ZipDirectory archive, string folder, SourceName source)
    {
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var key in (string[])[ModelConfiguration.MetadataKey, SafetensorsChecksum.MetadataKey])
        {
            if (!archive.Entries.TryGetValue($"{folder}{PyTorchWriter.ExtraFolder}{key}", out var entry))
                continue;
            if (entry.Size > LargestExtra)
                throw source.Wrong($"its entry {entry.Shown} claims {entry.Size} bytes; the limit is {LargestExtra}");
            metadata.Add(key, System.Text.Encoding.UTF8.GetString(Inflate(archive, entry)));
        }
        return metadata;
    }

    private static byte[] Inflate(ZipDirectory archive, ZipEntry entry)
    {
        var bytes = GC.AllocateUninitializedArray<byte>((int)entry.Size);
        archive.Bytes(entry).CopyTo(0, bytes);
        return bytes;
    }
}
