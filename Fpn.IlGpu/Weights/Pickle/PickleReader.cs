using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// Reads opcodes and their arguments (Python's pickletools, "ArgumentDescriptor") from a part of a file, never past its end.
/// Long strings and bytes are left in the file.
/// </summary>
internal sealed class PickleReader(TensorBytes file, long begin, long end, SourceName source)
{
    /// <summary>
    /// The longest string that is read, in bytes; names and keys fit. Longer strings hold the elements of arrays.
    /// </summary>
    private const int LongestName = 4096;

    /// <summary>In digits or bytes. Python writes integers of any length, but checkpoints contain only short ones.</summary>
    private const int LongestNumber = 256;

    /// <summary>In bytes: the elements of an array may be one line of text.</summary>
    private const int LongestLine = 1 << 26;

    private const int WindowBytes = 1 << 14;

    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    private readonly byte[] window = new byte[(int)Math.Clamp(end - begin, 0, WindowBytes)];
    private long windowBegin = begin;
    private int windowLength;

    /// <summary>The offset of the next byte in the file.</summary>
    public long Position { get; private set; } = begin;

    public byte Byte()
    {
        Require(1);
        if (Position >= windowBegin + windowLength)
            Fill();
        return window[(int)(Position++ - windowBegin)];
    }

    /// <summary>Reads an unsigned little-endian length or number of 1, 2, 4 or 8 bytes.</summary>
    public ulong Unsigned(int bytes)
    {
        ulong value = 0;
        for (var i = 0; i < bytes; i++)
            value |= (ulong)Byte() << (8 * i);
        return value;
    }

    /// <summary>Reads a big-endian IEEE 754 double.</summary>
    public double Double()
        => BitConverter.UInt64BitsToDouble(BinaryPrimitives.ReverseEndianness(Unsigned(sizeof(double))));

    /// <summary>Skips the next bytes and returns a view of them.</summary>
    public StoredBytes Bytes(ulong length)
    {
        Require(length);
        var bytes = new StoredBytes(file, Position, (long)length);
        Position += (long)length;
        return bytes;
    }

    /// <summary>Reads a string of <paramref name="length"/> bytes, either UTF-8 or Python 2's raw bytes.</summary>
    public object Text(ulong length, bool isUtf8)
    {
        var bytes = Bytes(length);
        if (length > LongestName)
            return new PickleText(bytes, isUtf8);
        var text = new byte[(int)length];
        bytes.CopyTo(0, text);
        return isUtf8 ? Decode(text) : Encoding.Latin1.GetString(text);
    }

    /// <summary>Reads a little-endian two's complement integer of <paramref name="length"/> bytes.</summary>
    public object Long(ulong length)
    {
        if (length > LongestNumber)
            throw Wrong($"a number of {length} bytes; the limit is {LongestNumber}");
        Require(length);
        var bytes = new byte[(int)length];
        for (var i = 0; i < bytes.Length; i++)
            bytes[i] = Byte();
        var value = new BigInteger(bytes);
        return IsLong(value, out var number) ? number : (object)value;
    }

    /// <summary>Reads a line with an integer. If <paramref name="mayBeBool"/>, '00' and '01' are False and True.</summary>
    public object IntegerLine(bool mayBeBool)
    {
        var line = ShortLine("number");
        if (mayBeBool && line is "00" or "01")
            return line == "01";
        // Python 2 ends its long numbers with an L.
        if (!mayBeBool)
            line = line.TrimEnd('L');
        if (!BigInteger.TryParse(line, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value))
            throw Wrong("a line that is not an integer");
        return IsLong(value, out var number) ? number : (object)value;
    }

    public double FloatLine()
    {
        var line = ShortLine("number");
        return line switch
        {
            "nan" or "-nan" => double.NaN,
            "inf" => double.PositiveInfinity,
            "-inf" => double.NegativeInfinity,
            _ => double.TryParse(line, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
                ? value
                : throw Wrong("a line that is not a number"),
        };
    }

    /// <summary>Reads a line with a name.</summary>
    public string NameLine() => ShortLine("name");

    /// <summary>Reads a line with a string as Python's repr shows it, in quotes and with escapes.</summary>
    public object QuotedLine()
    {
        ReadOnlySpan<byte> line = Line(LongestLine, "string");
        line = line.TrimEnd((byte)'\r');
        if (line.Length < 2 || line[0] != line[^1] || line[0] is not ((byte)'\'' or (byte)'"'))
            throw Wrong("a string without quotes");
        return Short(PickleEscapes.Repr(line[1..^1]) ?? throw Wrong("a string with an invalid escape"));
    }

    /// <summary>Reads a line of text in Python's raw-unicode-escape.</summary>
    public object EscapedLine()
    {
        var line = Line(LongestLine, "text");
        if (PickleEscapes.RawLatin1(line) is { } latin1)
            return Short(latin1);
        var text = PickleEscapes.RawUnicode(line) ?? throw Wrong("a text with an invalid escape");
        return text.Length <= LongestName ? text : new PickleText(StoredBytes.Of(Encoding.UTF8.GetBytes(text)), IsUtf8: true);
    }

    /// <summary>Returns up to <paramref name="most"/> of the next bytes, without moving on.</summary>
    public byte[] Peek(int most) => file.Copy(Position, (int)Math.Min(most, end - Position));

    /// <summary>The exception for a problem at this position in the pickle.</summary>
    public Tensors.WeightsException Wrong(string what) => source.Wrong($"the pickle has, before byte {Position}, {what}");

    /// <summary>Throws if fewer bytes are left.</summary>
    public void Require(ulong bytes)
    {
        if (bytes > (ulong)(end - Position))
            throw source.Wrong($"the pickle is cut short: it needs {bytes} bytes at byte {Position}, but ends at {end}");
    }

    private void Fill()
    {
        windowBegin = Position;
        windowLength = (int)Math.Min(window.Length, end - Position);
        file.CopyTo(windowBegin, window.AsSpan(0, windowLength));
    }

    private string ShortLine(string what)
    {
        var line = Line(what == "name" ? LongestName : LongestNumber, what);
        return Decode(line.AsSpan().TrimEnd((byte)'\r'));
    }

    /// <summary>Reads up to the next line feed. The line is copied only after its length is known to be within the limit.</summary>
    private byte[] Line(int longest, string what)
    {
        var start = Position;
        while (true)
        {
            Require(1);
            if (Position >= windowBegin + windowLength)
                Fill();
            var from = (int)(Position - windowBegin);
            var at = window.AsSpan(from, windowLength - from).IndexOf((byte)'\n');
            Position += at < 0 ? windowLength - from : at + 1;
            // The line feed, and a carriage return before it, don't count.
            if (Position - start > longest + 2)
                throw Wrong($"a {what} of more than {longest} characters");
            if (at >= 0)
                return file.Copy(start, (int)(Position - start - 1));
        }
    }

    private static object Short(byte[] text) => text.Length <= LongestName
        ? Encoding.Latin1.GetString(text)
        : new PickleText(StoredBytes.Of(text), IsUtf8: false);

    private string Decode(ReadOnlySpan<byte> text)
    {
        try
        {
            return StrictUtf8.GetString(text);
        }
        catch (DecoderFallbackException)
        {
            throw Wrong("a text that is not valid UTF-8");
        }
    }

    /// <summary>Converts a number to long if it fits.</summary>
    private static bool IsLong(BigInteger value, out long number)
    {
        var fits = value >= long.MinValue && value <= long.MaxValue;
        number = fits ? (long)value : 0;
        return fits;
    }
}
