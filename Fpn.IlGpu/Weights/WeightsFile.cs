using System.Buffers.Binary;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// Opens a file of weights in any of the field's formats, told by its content: safetensors, also in several files with
/// an index; PyTorch checkpoints (.pth, .pt) of both formats; pickles of numpy arrays (.pkl) as Detectron2 and Caffe2
/// have them. Nothing in a file is ever run: see <see cref="PickleMachine"/>.
/// </summary>
public static class WeightsFile
{
    private const int LongestBeginning = 512;

    /// <summary>
    /// Opens a file by mapping it into memory: elements are read when they are asked for. The file must not be changed in
    /// place until the dictionary is disposed. Names are as in the file, without the wrapping of training scripts
    /// ({"model": …}, a prefix <c>module.</c> that all have); what is no tensor is left out.
    /// </summary>
    /// <param name="path">The file; or a folder that holds one <c>*.safetensors.index.json</c>.</param>
    /// <exception cref="WeightsException">There is no such file, it can't be read, it is of another format, not whole or
    /// not valid, or it holds something else than named tensors.</exception>
    public static StateDictionary Open(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (Directory.Exists(path))
            path = ShardedSafetensors.IndexIn(path);
        return Open(MappedBytes.Open(path), path);
    }

    /// <summary>Opens a file that is mapped or in memory, and owns it from then on.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="path">What messages call it; the files of an index are looked for beside it.</param>
    internal static StateDictionary Open(TensorBytes file, string path)
    {
        try
        {
            return OpenAny(file, path);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static StateDictionary OpenAny(TensorBytes file, string path)
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
            var weights = ShardedSafetensors.Open(file, Path.GetDirectoryName(Path.GetFullPath(path))!, source);
            file.Dispose();
            return weights;
        }
        if (IsPickle(beginning))
            return OpenPickle(file, source);
        // A damaged one: its own reader says best what is wrong.
        if (path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase))
            return Safetensors.Open(file, path);
        throw source.Wrong("is no weights file of a known format (safetensors, a PyTorch checkpoint, or a pickle of numpy arrays)");
    }

    /// <summary>Detectron2 and Caffe2: {"model": {name: array}}, {"blobs": {name: array}}; or PyTorch's legacy format.</summary>
    private static StateDictionary OpenPickle(TensorBytes file, SourceName source)
    {
        var reader = new PickleReader(file, 0, file.Length, source);
        var root = new PickleMachine(reader, source).Load();
        if (PyTorchLegacy.IsMagic(root))
            return PyTorchLegacy.Open(file, reader, source);
        var tensors = new CheckpointTensors(
            source, (_, tensor) => throw source.WrongTensor(tensor, "refers to a storage that a plain pickle does not have"));
        return new StateDictionary(source.Name, tensors.Create(CheckpointLayout.Find(root, source)), null, file)
        {
            Format = "pickle",
        };
    }

    /// <summary>The length of a header that can be, and '{'. (A pickle of protocol 2 may begin like a length.)</summary>
    private static bool IsSafetensors(ReadOnlySpan<byte> beginning)
        => beginning.Length > 8 && beginning[8] == '{'
        && BinaryPrimitives.ReadUInt64LittleEndian(beginning) is > 0 and <= SafetensorsHeader.LongestHeader;

    /// <summary>
    /// From protocol 2 on 0x80 and the protocol; before that an instruction that makes a container or a name.
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
