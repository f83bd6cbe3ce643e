using System.Buffers.Binary;
using System.Text;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Weights;

/// <summary>Writes pickles by hand, one instruction at a time, valid and invalid.</summary>
internal sealed class PickleWriter
{
    private readonly List<byte> bytes = [];

    public PickleWriter(int protocol = 2)
    {
        if (protocol >= 2)
            Op(PickleOpcode.Proto, (byte)protocol);
    }

    /// <summary>A pickle of a whole number, as at the beginning of a legacy file.</summary>
    public static byte[] Number(params byte[] longBytes)
        => new PickleWriter().Op(PickleOpcode.Long1, [(byte)longBytes.Length, .. longBytes]).End();

    public byte[] End() => [.. bytes, (byte)PickleOpcode.Stop];

    public PickleWriter Op(PickleOpcode opcode, params byte[] argument)
    {
        bytes.Add((byte)opcode);
        bytes.AddRange(argument);
        return this;
    }

    public PickleWriter Op32(PickleOpcode opcode, uint number, ReadOnlySpan<byte> data = default)
    {
        var argument = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(argument, number);
        return Op(opcode, [.. argument, .. data]);
    }

    public PickleWriter Op64(PickleOpcode opcode, ulong number, ReadOnlySpan<byte> data = default)
    {
        var argument = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(argument, number);
        return Op(opcode, [.. argument, .. data]);
    }

    public PickleWriter Line(PickleOpcode opcode, params string[] lines)
        => Op(opcode, Encoding.Latin1.GetBytes(string.Concat(lines.Select(line => line + "\n"))));

    public PickleWriter Mark() => Op(PickleOpcode.Mark);

    public PickleWriter Text(string text)
    {
        var utf8 = Encoding.UTF8.GetBytes(text);
        return Op32(PickleOpcode.BinUnicode, (uint)utf8.Length, utf8);
    }

    /// <summary>A Python 2 string.</summary>
    public PickleWriter Raw(params byte[] text) => text.Length < 256
        ? Op(PickleOpcode.ShortBinString, [(byte)text.Length, .. text])
        : Op32(PickleOpcode.BinString, (uint)text.Length, text);

    public PickleWriter Int(long number)
    {
        if (number is >= int.MinValue and <= int.MaxValue)
            return Op32(PickleOpcode.BinInt, (uint)(int)number);
        var argument = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(argument, number);
        return Op(PickleOpcode.Long1, [8, .. argument]);
    }

    public PickleWriter Bool(bool value) => Op(value ? PickleOpcode.NewTrue : PickleOpcode.NewFalse);

    public PickleWriter Global(string module, string name) => Line(PickleOpcode.Global, module, name);

    public PickleWriter Reduce() => Op(PickleOpcode.Reduce);

    public PickleWriter Tuple() => Op(PickleOpcode.Tuple);

    public PickleWriter Numbers(params long[] numbers)
    {
        Mark();
        foreach (var number in numbers)
            Int(number);
        return Tuple();
    }

    /// <summary>A dictionary of the keys and values that the action writes in turn.</summary>
    public PickleWriter Dictionary(Action<PickleWriter> fill)
    {
        Op(PickleOpcode.EmptyDict).Mark();
        fill(this);
        return Op(PickleOpcode.SetItems);
    }

    /// <summary>The reference to a storage; <paramref name="legacy"/> adds one item.</summary>
    public PickleWriter Storage(string type, string key, long count, bool legacy = false)
    {
        Mark().Text("storage").Global("torch", type).Text(key).Text("cpu").Int(count);
        if (legacy)
            Op(PickleOpcode.None);
        return Tuple().Op(PickleOpcode.BinPersId);
    }

    /// <summary>A tensor as PyTorch writes it.</summary>
    public PickleWriter Tensor(
        string key, long count, long offset, long[] size, long[] stride, string type = "FloatStorage", bool legacy = false)
    {
        Global("torch._utils", "_rebuild_tensor_v2").Mark().Storage(type, key, count, legacy);
        Int(offset).Numbers(size).Numbers(stride).Bool(false);
        return Global("collections", "OrderedDict").Op(PickleOpcode.EmptyTuple).Reduce().Tuple().Reduce();
    }

    /// <summary>An array as numpy writes it in Python 3 from protocol 3 on.</summary>
    public PickleWriter Array(string code, string order, long[] shape, byte[] data, bool fortran = false) => Array(
        code, order, shape, w => w.Op32(PickleOpcode.BinBytes, (uint)data.Length, data), fortran);

    /// <summary>As above, with elements that the action writes.</summary>
    public PickleWriter Array(string code, string order, long[] shape, Action<PickleWriter> data, bool fortran = false)
    {
        Global("numpy.core.multiarray", "_reconstruct").Mark().Global("numpy", "ndarray").Numbers(0).Raw((byte)'b');
        Tuple().Reduce().Mark().Int(1).Numbers(shape);
        Global("numpy", "dtype").Mark().Text(code).Bool(false).Bool(true).Tuple().Reduce();
        Mark().Int(3).Text(order).Op(PickleOpcode.None).Op(PickleOpcode.None).Op(PickleOpcode.None).Int(-1).Int(-1).Int(0);
        Tuple().Op(PickleOpcode.Build).Bool(fortran);
        data(this);
        return Tuple().Op(PickleOpcode.Build);
    }
}
