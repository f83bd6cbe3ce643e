using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// Reads opcodes and their arguments (Python's pickletools, "ArgumentDescriptor") from a part of a file, never past its
/// end. Long strings and bytes stay in the file.
/// </summary>
internal sealed class PickleReader(TensorBytes file, long begin, long end, SourceName source)
{
    /// <summary>Strings up to here are read: names and keys. Longer ones are the elements of arrays.</summary>
    private const int LongestName = 4096;

    /// <summary>Digits or bytes: Python writes whole numbers of any length, a checkpoint only short ones.</summary>
    private const int LongestNumber = 256;

    /// <summary>The elements of an array as one line of text.</summary>
    private const int LongestLine = 1 << 26;

    private const int WindowBytes = 1 << 14;

    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    private readonly byte[] window = new byte[(int)Math.Clamp(end - begin, 0, WindowBytes)];
    private long windowBegin = begin;
    private int windowLength;

    /// <summary>Where the next byte is, from the beginning of the file.</summary>
    public long Position { get; private set; } = begin;

    public byte Byte()
    {
        Require(1);
        if (Position >= windowBegin + windowLength)
            Fill();
        return window[(int)(Position++ - windowBegin)];
    }

    /// <summary>A length or number of 1, 2, 4 or 8 bytes, little-endian, unsigned.</summary>
    public ulong Unsigned(int bytes)
    {
        ulong value = 0;
        for (var i = 0; i < bytes; i++)
            value |= (ulong)Byte() << (8 * i);
        return value;
    }

    /// <summary>IEEE 754 double precision, big-endian.</summary>
    public double Double()
        => BitConverter.UInt64BitsToDouble(BinaryPrimitives.ReverseEndianness(Unsigned(sizeof(double))));

    /// <summary>The next bytes, left where they are.</summary>
    public StoredBytes Bytes(ulong length)
    {
        Require(length);
        var bytes = new StoredBytes(file, Position, (long)length);
        Position += (long)length;
        return bytes;
    }

    /// <summary>A string of so many bytes, in UTF-8 or of Python 2's raw bytes.</summary>
    public object Text(ulong length, bool isUtf8)
    {
        var bytes = Bytes(length);
        if (length > LongestName)
            return new PickleText(bytes, isUtf8);
        var text = new byte[(int)length];
        bytes.CopyTo(0, text);
        return isUtf8 ? Decode(text) : Encoding.Latin1.GetString(text);
    }

    /// <summary>A whole number in two's complement, little-endian, of so many bytes.</summary>
    public object Long(ulong length)
    {
        if (length > LongestNumber)
            throw Wrong($"a number of {length} bytes, where {LongestNumber} are the most");
        Require(length);
        var bytes = new byte[(int)length];
        for (var i = 0; i < bytes.Length; i++)
            bytes[i] = Byte();
        var value = new BigInteger(bytes);
        return IsLong(value, out var number) ? number : (object)value;
    }

    /// <summary>A line with a whole number; '00' and '01' are False and True where that is the custom.</summary>
    public object IntegerLine(bool mayBeBool)
    {
        var line = ShortLine("number");
        if (mayBeBool && line is "00" or "01")
            return line == "01";
        // Python 2 ends its long numbers with an L.
        if (!mayBeBool)
            line = line.TrimEnd('L');
        if (!BigInteger.TryParse(line, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value))
            throw Wrong("a line that is no whole number");
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
                : throw Wrong("a line that is no number"),
        };
    }

    /// <summary>A line that names something.</summary>
    public string NameLine() => ShortLine("name");

    /// <summary>A line with a string as Python's repr shows it: quotes around, escapes in it.</summary>
    public object QuotedLine()
    {
        ReadOnlySpan<byte> line = Line(LongestLine, "string");
        line = line.TrimEnd((byte)'\r');
        if (line.Length < 2 || line[0] != line[^1] || line[0] is not ((byte)'\'' or (byte)'"'))
            throw Wrong("a string without its quotes");
        return Short(PickleEscapes.Repr(line[1..^1]) ?? throw Wrong("a string with an escape that is none"));
    }

    /// <summary>A line with a text in Python's raw-unicode-escape.</summary>
    public object EscapedLine()
    {
        var line = Line(LongestLine, "text");
        if (PickleEscapes.RawLatin1(line) is { } latin1)
            return Short(latin1);
        var text = PickleEscapes.RawUnicode(line) ?? throw Wrong("a text with an escape that is none");
        return text.Length <= LongestName ? text : new PickleText(StoredBytes.Of(Encoding.UTF8.GetBytes(text)), IsUtf8: true);
    }

    /// <summary>The bytes that come next, as many as there are up to this many, without moving on.</summary>
    public byte[] Peek(int most) => file.Copy(Position, (int)Math.Min(most, end - Position));

    /// <summary>An error at this place of the pickle.</summary>
    public Tensors.WeightsException Wrong(string what) => source.Wrong($"the pickle has, before byte {Position}, {what}");

    /// <summary>Refuses a claim of more bytes than are left.</summary>
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

    /// <summary>All up to the next line feed; not copied before it is known to be no longer than that.</summary>
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
            // The line feed, and the carriage return that may stand before it, don't count.
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
            throw Wrong("a text that is no valid UTF-8");
        }
    }

    /// <summary>A number as long where it fits.</summary>
    private static bool IsLong(BigInteger value, out long number)
    {
        var fits = value >= long.MinValue && value <= long.MaxValue;
        number = fits ? (long)value : 0;
        return fits;
    }
}
