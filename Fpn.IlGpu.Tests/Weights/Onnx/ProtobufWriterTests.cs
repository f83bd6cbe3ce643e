using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Weights;

/// <summary>Protocol buffers: what the writer writes, the reader reads.</summary>
public sealed class ProtobufWriterTests
{
    [TestCase(0)]
    [TestCase(1)]
    [TestCase(127)]
    [TestCase(128)]
    [TestCase(-1)]
    [TestCase(long.MaxValue)]
    [TestCase(long.MinValue)]
    public void Whole_numbers_of_every_length(long number)
    {
        var writer = new ProtobufWriter();
        writer.Whole(16, number);
        var reader = Read(writer);
        Assert.That(reader.Next());
        Assert.That((reader.Field, reader.Type, (long)reader.Number), Is.EqualTo((16, WireType.Varint, number)));
        Assert.That(reader.Next(), Is.False);
    }

    [Test]
    public void Texts_floats_and_messages_in_their_order()
    {
        var writer = new ProtobufWriter();
        writer.Text(1, "Höhe");
        writer.Real(2, -0.1f);
        writer.Message(3, inner => inner.Text(7, new string('x', 300)));
        writer.Header(4, 2);
        var end = new ProtobufWriter();
        end.Whole(5, 6);
        writer.Append(end);

        var reader = Read(writer);
        Assert.That(reader.Next() && reader.Text(10) == "Höhe");
        Assert.That(reader.Next() && BitConverter.UInt32BitsToSingle((uint)reader.Number) == -0.1f);
        Assert.That(reader.Next() && reader.Field == 3);
        var inner = reader.Message();
        Assert.That(inner.Next() && inner.Field == 7 && inner.Text(300).Length == 300);
        Assert.That(inner.Next(), Is.False);
        Assert.That(reader.Next() && reader.Field == 4);
        var rest = reader.Message();
        Assert.That(rest.Next() && rest.Field == 5 && rest.Number == 6);
        Assert.That(reader.Next(), Is.False);
    }

    private static ProtobufReader Read(ProtobufWriter writer)
    {
        using var stream = new MemoryStream();
        writer.CopyTo(stream);
        Assert.That(stream.Length, Is.EqualTo(writer.Length));
        return new ProtobufReader(new MemoryBytes(stream.ToArray()), 0, stream.Length, new SourceName("message"));
    }
}
