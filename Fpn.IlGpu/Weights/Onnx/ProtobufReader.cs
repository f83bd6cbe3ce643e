using System.Buffers.Binary;
using System.Text;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>How a field of a protocol buffer is encoded.</summary>
internal enum WireType
{
    /// <summary>A whole number of one to ten bytes, seven bits in each.</summary>
    Varint = 0,

    /// <summary>Eight bytes.</summary>
    Fixed64 = 1,

    /// <summary>A length, then that many bytes: a text, a message, or numbers one after another.</summary>
    Bytes = 2,

    /// <summary>Four bytes.</summary>
    Fixed32 = 5,
}

/// <summary>
/// Reads the fields of one message of a protocol buffer, in a file that stays mapped: the elements of a tensor are not copied, as they
/// would be by a library that builds objects. Source: protobuf.dev, "Encoding".
/// <code>
/// field     tag, value         tag = number · 8 + wire type, a varint
/// </code>
/// A reader does not descend by itself: whoever knows that a field is a message opens a reader for its bytes, which lie within those of
/// the message around it. So depth and work are bounded by the caller and by the file's length.
/// </summary>
/// <param name="file">The file.</param>
/// <param name="begin">The offset of the message, in bytes.</param>
/// <param name="end">The offset behind the message.</param>
/// <param name="source">The file, for messages.</param>
internal sealed class ProtobufReader(TensorBytes file, long begin, long end, SourceName source)
{
    private const int WindowBytes = 1 << 12;
    private const int MostVarintBytes = 10;

    private readonly byte[] window = new byte[(int)Math.Min(WindowBytes, end - begin)];
    private long windowBegin;
    private int windowLength;
    private long at = begin;

    /// <summary>The number of the current field.</summary>
    public int Field { get; private set; }

    /// <summary>The encoding of the current field.</summary>
    public WireType Type { get; private set; }

    /// <summary>The value of a varint, or the bits of a fixed number.</summary>
    public ulong Number { get; private set; }

    /// <summary>The offset of the current field's bytes in the file.</summary>
    public long Begin { get; private set; }

    /// <summary>The offset behind them.</summary>
    public long End { get; private set; }

    /// <summary>Reads the next field; false at the end of the message.</summary>
    /// <exception cref="WeightsException">The message is cut short or not valid.</exception>
    public bool Next()
    {
        if (at == end)
            return false;
        var tag = Varint();
        if (tag >> 3 is 0 or > int.MaxValue)
            throw Broken("a field has an invalid number");
        Field = (int)(tag >> 3);
        Type = (WireType)(tag & 7);
        switch (Type)
        {
            case WireType.Varint:
                Number = Varint();
                break;
            case WireType.Fixed64:
                Number = BinaryPrimitives.ReadUInt64LittleEndian(Take(sizeof(ulong)));
                break;
            case WireType.Fixed32:
                Number = BinaryPrimitives.ReadUInt32LittleEndian(Take(sizeof(uint)));
                break;
            case WireType.Bytes:
                var length = Varint();
                if (length > (ulong)(end - at))
                    throw Broken($"a field claims {length} bytes, but only {end - at} follow");
                Begin = at;
                End = at += (long)length;
                break;
            default:
                throw Broken("a field has an unknown encoding");
        }
        return true;
    }

    /// <summary>A reader of the current field, which is a message.</summary>
    /// <exception cref="WeightsException">The field is a number.</exception>
    public ProtobufReader Message()
    {
        Expect(WireType.Bytes);
        return new ProtobufReader(file, Begin, End, source);
    }

    /// <summary>The current field's text.</summary>
    /// <param name="most">The most bytes that it may have.</param>
    /// <exception cref="WeightsException">The field is no text, or a longer one.</exception>
    public string Text(int most)
    {
        Expect(WireType.Bytes);
        return End - Begin <= most
            ? Encoding.UTF8.GetString(file.Copy(Begin, (int)(End - Begin)))
            : throw Broken($"a name has {End - Begin} bytes; the limit is {most}");
    }

    /// <summary>The current field's whole numbers: one, or several packed one after another.</summary>
    /// <param name="most">The most numbers that it may have.</param>
    /// <exception cref="WeightsException">The field has more, or is not valid.</exception>
    public IReadOnlyList<long> Wholes(int most)
    {
        if (Type == WireType.Varint)
            return [(long)Number];
        Expect(WireType.Bytes);
        var packed = new ProtobufReader(file, Begin, End, source);
        var numbers = new List<long>();
        while (packed.HasMore)
        {
            if (numbers.Count == most)
                throw Broken($"a list has more than {most} numbers");
            numbers.Add((long)packed.Varint());
        }
        return numbers;
    }

    /// <summary>Checks the current field's encoding.</summary>
    /// <exception cref="WeightsException">It is another.</exception>
    public void Expect(WireType type)
    {
        if (Type != type)
            throw Broken($"field {Field} has an unexpected encoding");
    }

    private bool HasMore => at < end;

    private WeightsException Broken(string what) => source.Wrong($"the ONNX file is damaged: {what}");

    private ulong Varint()
    {
        var value = 0UL;
        for (var i = 0; i < MostVarintBytes; i++)
        {
            var next = Take(1)[0];
            value |= (ulong)(next & 0x7F) << (7 * i);
            if (next < 0x80)
                return value;
        }
        throw Broken("a number has more than ten bytes");
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > end - at)
            throw Broken("it is cut short");
        if (at < windowBegin || at + count > windowBegin + windowLength)
        {
            windowBegin = at;
            windowLength = (int)Math.Min(window.Length, end - at);
            file.CopyTo(at, window.AsSpan(0, windowLength));
        }
        var taken = window.AsSpan((int)(at - windowBegin), count);
        at += count;
        return taken;
    }
}
