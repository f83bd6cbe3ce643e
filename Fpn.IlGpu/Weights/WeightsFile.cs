using System.Buffers.Binary;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// Opens a weights file in any of the published formats, which it detects from the content: safetensors, in one file or in
/// several with an index; PyTorch checkpoints (.pth, .pt, .ckpt), zip or legacy; pickles of numpy arrays (.pkl), as Detectron2 and
/// Caffe2 write them; and the weights in ONNX files. Code in a file is never executed: see <see cref="PickleMachine"/>.
/// </summary>
public static class WeightsFile
{
    private const int LongestBeginning = 512;

    /// <summary>
    /// Opens a file by mapping it into memory; elements are read on demand. The file must not be changed in place until the
    /// dictionary is disposed. Names are as in the file, without the wrappers of training scripts ({"model": …}, or a prefix
    /// <c>module.</c> that all names share). Entries that are not tensors are left out.
    /// </summary>
    /// <param name="path">The file, or a folder that holds exactly one <c>*.safetensors.index.json</c>.</param>
    /// <exception cref="WeightsException">
    /// The file is missing, unreadable, of an unknown format, truncated or invalid, or it holds something other than named
    /// tensors.
    /// </exception>
    public static StateDictionary Open(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (Directory.Exists(path))
            path = ShardedSafetensors.IndexIn(path);
        return Open(MappedBytes.Open(path), path, Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    /// <summary>Reads a stream to its end into memory, and leaves it open. As for files, the content tells the format.</summary>
    /// <param name="stream">The bytes of one file, from the current position on.</param>
    /// <param name="source">The name of the stream in messages.</param>
    /// <exception cref="WeightsException">
    /// The stream can't be read, has 2 GiB or more, or its content is of an unknown format, truncated, invalid, or an index of other files.
    /// </exception>
    public static StateDictionary Open(Stream stream, string source = "The stream")
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(source);
        return Open(StreamBytes.ReadAll(stream, source), source);
    }

    /// <summary>Opens a file that is in memory. The bytes are not copied; don't change them until the dictionary is disposed.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="source">The name of the bytes in messages.</param>
    /// <exception cref="WeightsException">The content is empty, of an unknown format, truncated, invalid, or an index of other files.</exception>
    public static StateDictionary Open(ReadOnlyMemory<byte> bytes, string source = "The bytes")
    {
        ArgumentNullException.ThrowIfNull(source);
        return Open(new MemoryBytes(bytes), source, folder: null);
    }

    /// <summary>
    /// The files that opening a path reads: the file itself; for an index, or a folder with one, also the safetensors files beside it.
    /// </summary>
    internal static IEnumerable<string> FilesOf(string path)
    {
        var folder = Directory.Exists(path) ? path
            : path.EndsWith(ShardedSafetensors.IndexSuffix, StringComparison.OrdinalIgnoreCase)
            ? Path.GetDirectoryName(Path.GetFullPath(path))
            : null;
        return folder is null ? [path] : Directory.EnumerateFiles(folder, "*.safetensors*");
    }

    /// <summary>Opens a file that is mapped or in memory, and takes ownership of it.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="path">The file's name in messages.</param>
    /// <param name="folder">The folder of the files that an index names; null to refuse an index.</param>
    internal static StateDictionary Open(TensorBytes file, string path, string? folder)
    {
        try
        {
            return OpenAny(file, path, folder);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static StateDictionary OpenAny(TensorBytes file, string path, string? folder)
    {
        var source = new SourceName(path);
        if (file.Length == 0)
            throw MappedBytes.Empty(path);
        var beginning = file.Copy(0, (int)Math.Min(file.Length, LongestBeginning));
        if (IsSafetensors(beginning))
            return Safetensors.Open(file, path);
        if (beginning.AsSpan().StartsWith("PK"u8))
            return PyTorchZip.Open(file, source);
        if (MistakenFiles.Recognise(beginning) is { } what)
            throw source.Wrong(what);
        if (FirstOfText(beginning) == '{')
        {
            if (folder is null)
                throw source.Wrong("is an index of several files, which can't be opened without them; give the folder that holds them");
            var weights = ShardedSafetensors.Open(file, folder, source);
            file.Dispose();
            return weights;
        }
        if (IsPickle(beginning))
            return OpenPickle(file, source);
        if (OnnxFile.IsOnnx(beginning))
            return OnnxFile.Open(file, source);
        // A damaged safetensors file: its own reader gives the best message.
        if (path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase))
            return Safetensors.Open(file, path);
        throw source.Wrong("is not a weights file of a known format (safetensors, a PyTorch checkpoint, a pickle of numpy arrays, or ONNX)");
    }

    /// <summary>
    /// Opens a pickle of Detectron2 or Caffe2, {"model": {name: array}} or {"blobs": {name: array}}, or a PyTorch file in the
    /// legacy format.
    /// </summary>
    private static StateDictionary OpenPickle(TensorBytes file, SourceName source)
    {
        var reader = new PickleReader(file, 0, file.Length, source);
        var root = new PickleMachine(reader, source).Load();
        if (PyTorchLegacy.IsMagic(root))
            return PyTorchLegacy.Open(file, reader, source);
        var tensors = new CheckpointTensors(
            source, (_, tensor) => throw source.WrongTensor(tensor, "refers to a storage, which a plain pickle does not have"));
        return new StateDictionary(source.Name, tensors.Create(CheckpointLayout.Find(root, source)), null, file)
        {
            Format = "pickle",
        };
    }

    /// <summary>
    /// Whether the file begins with a possible header length and '{'. (A pickle of protocol 2 may begin like a length.)
    /// </summary>
    private static bool IsSafetensors(ReadOnlySpan<byte> beginning)
        => beginning.Length > 8 && beginning[8] == '{'
        && BinaryPrimitives.ReadUInt64LittleEndian(beginning) is > 0 and <= SafetensorsHeader.LongestHeader;

    /// <summary>
    /// Whether the file begins like a pickle: from protocol 2 on with 0x80 and the protocol, before that with an opcode for a
    /// container, a global or an integer.
    /// </summary>
    private static bool IsPickle(ReadOnlySpan<byte> beginning)
        => beginning is [0x80, < 0x20, ..] or [(byte)'(', (byte)'d' or (byte)'l' or (byte)'t' or (byte)'i' or (byte)'c', ..]
            or [(byte)'c' or (byte)'}' or (byte)']' or (byte)'L', ..];

    private static char FirstOfText(ReadOnlySpan<byte> beginning)
    {
        var text = beginning.TrimStart(" \t\r\n"u8);
        return text.IsEmpty ? '\0' : (char)text[0];
    }
}
