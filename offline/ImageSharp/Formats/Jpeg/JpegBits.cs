using System.Buffers.Binary;

namespace SixLabors.ImageSharp.Formats.Jpeg;

/// <summary>Reads the entropy-coded bytes of a scan bit by bit, undoing the zero stuffed after each 0xFF.</summary>
internal ref struct JpegBits(ReadOnlySpan<byte> file, int position)
{
    private const int Enough = 32;

    private readonly ReadOnlySpan<byte> file = file;

    // The next bits, first bit highest; zero below the lowest that counts.
    private ulong buffer;
    private int count;

    // How many of them are zeros put in after the last real one.
    private int padding;

    /// <summary>Where reading goes on; at a marker, or at the end, it stays.</summary>
    public int Position { get; private set; } = position;

    /// <summary>Makes sure of 32 bits: a code and the number after it.</summary>
    public void Fill()
    {
        if (count >= Enough)
        {
            return;
        }

        if (Position + 8 <= file.Length)
        {
            ulong next = BinaryPrimitives.ReadUInt64BigEndian(file[Position..]);
            // No byte is 0xFF when none overflows on adding one.
            if ((((~next) - 0x0101010101010101) & next & 0x8080808080808080) == 0)
            {
                int bytes = (64 - count) >> 3;
                buffer |= next >> (64 - (bytes * 8)) << (64 - (bytes * 8) - count);
                count += bytes * 8;
                Position += bytes;
                return;
            }
        }

        FillSlowly();
    }

    /// <summary>The next bits as a number, at most 16 of them, still there afterwards.</summary>
    public readonly int Peek(int bits) => (int)(buffer >> (64 - bits));

    public void Skip(int bits)
    {
        buffer <<= bits;
        count -= bits;
    }

    /// <summary>A number of 1 to 16 bits.</summary>
    public int Read(int bits)
    {
        int value = Peek(bits);
        Skip(bits);
        return value;
    }

    /// <summary>A number whose highest bit, when clear, says that it is negative (T.81, F.2.2.1); 0 for no bits.</summary>
    public int ReadSigned(int bits)
    {
        if (bits == 0)
        {
            return 0;
        }

        int value = Read(bits);
        return value < 1 << (bits - 1) ? value - (1 << bits) + 1 : value;
    }

    public bool ReadBit()
    {
        Fill();
        return Read(1) != 0;
    }

    /// <exception cref="InvalidImageContentException">More bits were read than the scan has.</exception>
    public readonly void CheckNotBeyondEnd()
    {
        if (count < padding)
        {
            throw new InvalidImageContentException("the pixels of the JPEG are cut short");
        }
    }

    /// <summary>Drops the bits up to the next restart marker and goes on after it.</summary>
    public void Restart()
    {
        CheckNotBeyondEnd();
        (buffer, count, padding) = (0, 0, 0);
        int marker = Position;
        while (marker + 1 < file.Length && file[marker] == 0xFF && file[marker + 1] == 0xFF)
        {
            marker++;
        }

        if (marker + 1 >= file.Length || file[marker] != 0xFF || file[marker + 1] is < 0xD0 or > 0xD7)
        {
            throw new InvalidImageContentException("the JPEG lacks a restart marker where one must be");
        }

        Position = marker + 2;
    }

    private void FillSlowly()
    {
        while (count <= 56)
        {
            ulong next = 0;
            if (Position < file.Length && file[Position] != 0xFF)
            {
                next = file[Position++];
            }
            else if (Position + 1 < file.Length && file[Position + 1] == 0)
            {
                next = 0xFF;
                Position += 2;
            }
            else
            {
                padding += 8;
            }

            buffer |= next << (56 - count);
            count += 8;
        }
    }
}
