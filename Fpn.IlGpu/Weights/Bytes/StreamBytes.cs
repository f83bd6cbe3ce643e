using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>Reads whole streams into memory.</summary>
internal static class StreamBytes
{
    /// <summary>Reads a stream to its end, and leaves it open.</summary>
    /// <param name="stream">The stream, from its current position on.</param>
    /// <param name="source">Its name in messages.</param>
    /// <exception cref="WeightsException">It can't be read, or has more bytes than an array can hold.</exception>
    public static ReadOnlyMemory<byte> ReadAll(Stream stream, string source)
    {
        try
        {
            if (stream.CanSeek)
            {
                var length = stream.Length - stream.Position;
                if (length > Array.MaxLength)
                    throw TooLong(source);
                var whole = GC.AllocateUninitializedArray<byte>((int)Math.Max(length, 0));
                stream.ReadExactly(whole);
                return whole;
            }
            using var buffer = new MemoryStream();
            var block = new byte[1 << 16];
            for (var count = stream.Read(block); count > 0; count = stream.Read(block))
            {
                if (buffer.Length + count > Array.MaxLength)
                    throw TooLong(source);
                buffer.Write(block, 0, count);
            }
            return buffer.GetBuffer().AsMemory(0, (int)buffer.Length);
        }
        catch (IOException e)
        {
            throw new WeightsException($"{source}: can't be read ({e.Message.TrimEnd('.')}).", e);
        }
    }

    private static WeightsException TooLong(string source)
        => new($"{source}: has more than {Array.MaxLength} bytes, the most that can be read from a stream; give a file.");
}
