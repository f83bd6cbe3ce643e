using System.Buffers.Binary;
using System.Collections.ObjectModel;
using System.IO.Compression;
using System.Text;
using Fpn.IlGpu.Files;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// Writes a state dict in the format of torch.save that <see cref="PyTorchZip"/> documents. It needs nothing that
/// <c>torch.load(…, weights_only=True)</c> refuses. The metadata are entries that PyTorch ignores.
/// </summary>
internal static class PyTorchWriter
{
    /// <summary>The folder of metadata, within the archive's folder.</summary>
    public const string ExtraFolder = "/extra/";

    private const string Folder = "archive";
    private const string Version = "3\n";

    // The earliest date of a zip archive: the same weights give the same bytes.
    private static readonly DateTimeOffset Date = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Writes a file.</summary>
    /// <param name="path">The file; it exists only once it is complete.</param>
    /// <param name="tensors">The tensors; all are written as <paramref name="type"/>.</param>
    /// <param name="type">F32, F16 or BF16.</param>
    /// <param name="metadata">The file's metadata; null for none.</param>
    /// <param name="verify">Called with the complete file under its temporary name; if it throws, the write is undone.</param>
    /// <exception cref="WeightsException">The file can't be written, or an element is too large for the type.</exception>
    public static void Write(
        string path, StateTensor[] tensors, DataType type, IReadOnlyDictionary<string, string>? metadata, Action<string>? verify = null)
    {
        metadata ??= ReadOnlyDictionary<string, string>.Empty;
        var known = metadata.Where(entry => entry.Key == ModelConfiguration.MetadataKey).ToList();
        try
        {
            UnfinishedFile.Clean(Path.GetDirectoryName(Path.GetFullPath(path))!);
            using var file = UnfinishedFile.Create(path);
            using (var archive = new ZipArchive(file.Stream, ZipArchiveMode.Create, leaveOpen: true))
            {
                Add(archive, "/data.pkl", stream => stream.Write(Pickle(tensors, type)));
                Add(archive, "/byteorder", stream => stream.Write("little"u8));
                var checksum = new SafetensorsChecksum();
                checksum.AddMetadata(known);
                foreach (var (key, tensor) in tensors.Index())
                {
                    Add(archive, $"/data/{key}", stream =>
                        checksum.AddTensor(tensor.Name, SafetensorsWriter.WriteElements(stream, tensor, type, path)));
                }
                Add(archive, "/version", stream => stream.Write(Encoding.ASCII.GetBytes(Version)));
                foreach (var (key, value) in known.Append(new(SafetensorsChecksum.MetadataKey, checksum.ToString())))
                    Add(archive, ExtraFolder + key, stream => stream.Write(Encoding.UTF8.GetBytes(value)));
            }
            file.Flush();
            verify?.Invoke(file.TemporaryPath);
            file.Complete();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WeightsException($"{path}: can't be written ({e.Message.TrimEnd('.')}).", e);
        }
    }

    // PyTorch reads elements in place, so they are not compressed.
    private static void Add(ZipArchive archive, string name, Action<Stream> write)
    {
        var entry = archive.CreateEntry(Folder + name, CompressionLevel.NoCompression);
        entry.LastWriteTime = Date;
        using var stream = entry.Open();
        write(stream);
    }

    /// <summary>An OrderedDict of tensors, each a dense view of a storage of its own.</summary>
    private static byte[] Pickle(StateTensor[] tensors, DataType type)
    {
        using var stream = new MemoryStream();
        var pickle = new Opcodes(stream);
        pickle.Op(PickleOpcode.Proto, 2).EmptyDictionary().Op(PickleOpcode.Mark);
        foreach (var (key, tensor) in tensors.Index())
        {
            pickle.Text(tensor.Name).Global("torch._utils", "_rebuild_tensor_v2").Op(PickleOpcode.Mark);
            pickle.Op(PickleOpcode.Mark).Text("storage").Global("torch", StorageOf(type)).Text($"{key}").Text("cpu").Whole(tensor.Count)
                .Op(PickleOpcode.Tuple).Op(PickleOpcode.BinPersId);
            pickle.Whole(0).Wholes(tensor.Shape.Select(extent => (long)extent)).Wholes(Strides(tensor.Shape));
            // No gradient is needed, and there are no hooks.
            pickle.Op(PickleOpcode.NewFalse).EmptyDictionary().Op(PickleOpcode.Tuple).Op(PickleOpcode.Reduce);
        }
        pickle.Op(PickleOpcode.SetItems).Op(PickleOpcode.Stop);
        return stream.ToArray();
    }

    private static string StorageOf(DataType type) => type switch
    {
        DataType.F16 => "HalfStorage",
        DataType.BF16 => "BFloat16Storage",
        _ => "FloatStorage",
    };

    private static IEnumerable<long> Strides(IReadOnlyList<int> shape)
        => shape.Select((_, axis) => shape.Skip(axis + 1).Aggregate(1L, (stride, extent) => stride * extent));

    private readonly struct Opcodes(MemoryStream stream)
    {
        public Opcodes Op(PickleOpcode opcode, params ReadOnlySpan<byte> argument)
        {
            stream.WriteByte((byte)opcode);
            stream.Write(argument);
            return this;
        }

        public Opcodes Text(string text)
        {
            var utf8 = Encoding.UTF8.GetBytes(text);
            Span<byte> length = stackalloc byte[sizeof(uint)];
            BinaryPrimitives.WriteUInt32LittleEndian(length, (uint)utf8.Length);
            Op(PickleOpcode.BinUnicode, length);
            stream.Write(utf8);
            return this;
        }

        public Opcodes Global(string module, string name) => Op(PickleOpcode.Global, Encoding.ASCII.GetBytes($"{module}\n{name}\n"));

        public Opcodes EmptyDictionary()
            => Global("collections", "OrderedDict").Op(PickleOpcode.EmptyTuple).Op(PickleOpcode.Reduce);

        public Opcodes Whole(long number)
        {
            Span<byte> bytes = stackalloc byte[1 + sizeof(long)];
            if (number <= int.MaxValue)
            {
                BinaryPrimitives.WriteInt32LittleEndian(bytes, (int)number);
                return Op(PickleOpcode.BinInt, bytes[..sizeof(int)]);
            }
            bytes[0] = sizeof(long);
            BinaryPrimitives.WriteInt64LittleEndian(bytes[1..], number);
            return Op(PickleOpcode.Long1, bytes);
        }

        public Opcodes Wholes(IEnumerable<long> numbers)
        {
            Op(PickleOpcode.Mark);
            foreach (var number in numbers)
                Whole(number);
            return Op(PickleOpcode.Tuple);
        }
    }
}
