using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// Writes the fields of one message of a protocol buffer, in the encoding that <see cref="ProtobufReader"/> documents. A message is
/// complete before it becomes a field of another, because its length comes first. Large contents are left to the caller, who needs only
/// their length here (<see cref="Header"/>).
/// </summary>
internal sealed class ProtobufWriter
{
    private readonly ArrayBufferWriter<byte> bytes = new();

    /// <summary>The length so far, in bytes.</summary>
    public int Length => bytes.WrittenCount;

    /// <summary>Writes a whole number.</summary>
    public void Whole(int field, long value)
    {
        Tag(field, WireType.Varint);
        Varint((ulong)value);
    }

    /// <summary>Writes a float.</summary>
    public void Real(int field, float value)
    {
        Tag(field, WireType.Fixed32);
        BinaryPrimitives.WriteSingleLittleEndian(bytes.GetSpan(sizeof(float)), value);
        bytes.Advance(sizeof(float));
    }

    /// <summary>Writes a text.</summary>
    public void Text(int field, string value) => Bytes(field, Encoding.UTF8.GetBytes(value));

    /// <summary>Writes bytes.</summary>
    public void Bytes(int field, ReadOnlySpan<byte> value)
    {
        Header(field, value.Length);
        bytes.Write(value);
    }

    /// <summary>Writes a message.</summary>
    public void Message(int field, ProtobufWriter message)
    {
        Header(field, message.Length);
        Append(message);
    }

    /// <summary>Writes a message that is filled in by a function.</summary>
    public void Message(int field, Action<ProtobufWriter> fill)
    {
        var message = new ProtobufWriter();
        fill(message);
        Message(field, message);
    }

    /// <summary>Begins a field of bytes, which the caller writes behind this message.</summary>
    public void Header(int field, long length)
    {
        Tag(field, WireType.Bytes);
        Varint((ulong)length);
    }

    /// <summary>Writes the fields of another message after those of this one.</summary>
    public void Append(ProtobufWriter message) => bytes.Write(message.bytes.WrittenSpan);

    /// <summary>Copies the message to a stream.</summary>
    public void CopyTo(Stream stream) => stream.Write(bytes.WrittenSpan);

    private void Tag(int field, WireType type) => Varint((ulong)field << 3 | (ulong)type);

    private void Varint(ulong value)
    {
        for (; value >= 0x80; value >>= 7)
            bytes.Write([(byte)(value | 0x80)]);
        bytes.Write([(byte)value]);
    }
}
