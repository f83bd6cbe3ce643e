using System.Buffers.Binary;
using System.Numerics;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// The format of torch.save before PyTorch 1.6 (which newer versions can still write): five pickles, then the storages.
/// <code>
/// magic number     0x1950a86a20f9469cfc6c
/// version          1001
/// machine          {'little_endian': True, …}: elements are little-endian whatever it says
/// the object       tensors refer to storages by key
/// keys             [key, …], in the order of the storages that follow
/// for each key     the number of elements, 8 bytes, then the elements
/// </code>
/// Source: PyTorch's torch/serialization.py (_legacy_save, _legacy_load).
/// </summary>
internal static class PyTorchLegacy
{
    private const long Version = 1001;

    private static readonly BigInteger Magic = (new BigInteger(0x1950) << 64) | 0xa86a20f9469cfc6c;

    /// <summary>Whether the value is the magic number, which the first pickle of such a file holds.</summary>
    public static bool IsMagic(object? value) => value is BigInteger number && number == Magic;

    /// <summary>Opens a file whose first pickle has been read, and takes ownership of it.</summary>
    /// <exception cref="WeightsException">The checkpoint is truncated or invalid.</exception>
    public static StateDictionary Open(TensorBytes file, PickleReader reader, SourceName source)
    {
        if (new PickleMachine(reader, source).Load() is not Version)
            throw source.Wrong($"is a legacy PyTorch file of a version other than {Version}");
        _ = new PickleMachine(reader, source).Load();
        var known = new Dictionary<string, TorchStorage>(StringComparer.Ordinal);
        var root = new PickleMachine(reader, source, Remember).Load();
        var storages = Storages(file, reader, known, source);
        var tensors = new CheckpointTensors(source, Storage);
        return new StateDictionary(source.Name, tensors.Create(CheckpointLayout.Find(root, source)), null, file)
        {
            Format = "PyTorch legacy",
        };
        object? Remember(object? id)
        {
            var storage = TorchStorage.FromPersistentId(id);
            if (storage is not null)
                known.TryAdd(storage.Key, storage);
            return storage;
        }

        StoredBytes Storage(TorchStorage storage, string tensor) =>
            storages.TryGetValue(storage.Key, out var bytes)
                ? bytes
                : throw source.WrongTensor(
                    tensor, $"needs the storage with the key {WeightsException.Quote(storage.Key)}, which the file lacks");
    }

    private static Dictionary<string, StoredBytes> Storages(
        TensorBytes file, PickleReader reader, Dictionary<string, TorchStorage> known, SourceName source)
    {
        if (PickleView.Items(new PickleMachine(reader, source).Load()) is not { } keys)
            throw source.Wrong("the legacy file has no list of storage keys");
        var storages = new Dictionary<string, StoredBytes>(StringComparer.Ordinal);
        var at = reader.Position;
        foreach (var item in keys)
        {
            if (item is not string key || !known.TryGetValue(key, out var storage))
                throw source.Wrong("the legacy file lists a storage that no tensor uses");
            var shown = WeightsException.Quote(key);
            if (at > file.Length - sizeof(long))
                throw source.Wrong($"the file is cut short: it ends before the storage with the key {shown}");
            var count = BinaryPrimitives.ReadInt64LittleEndian(file.Copy(at, sizeof(long)));
            at += sizeof(long);
            if (count != storage.Count)
                throw source.Wrong($"the storage with the key {shown} has {count} elements, but its tensors expect {storage.Count}");
            if (storage.Bytes > file.Length - at)
            {
                throw source.Wrong(
                    $"the file is cut short: the storage with the key {shown} needs {storage.Bytes} bytes, "
                    + $"but only {file.Length - at} are left");
            }

            if (!storages.TryAdd(key, new StoredBytes(file, at, storage.Bytes)))
                throw source.Wrong($"the legacy file has the storage with the key {shown} twice");
            at += storage.Bytes;
        }
        return storages;
    }
}
