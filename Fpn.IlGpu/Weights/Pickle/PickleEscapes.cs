using System.Globalization;
using System.Text;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// Decodes the strings of protocol 0, which is a text format. Sources: Python's Language Reference, "String and Bytes
/// literals", and the codec raw_unicode_escape of Python's library.
/// </summary>
internal static class PickleEscapes
{
    /// <summary>Decodes the text between the quotes of a repr to bytes; null if an escape is invalid.</summary>
    public static byte[]? Repr(ReadOnlySpan<byte> text)
    {
        var bytes = new byte[text.Length];
        var count = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != (byte)'\\')
            {
                bytes[count++] = text[i];
                continue;
            }
            if (++i == text.Length)
                return null;
            int value;
            switch (text[i])
            {
                case (byte)'a':
                    value = 7;
                    break;
                case (byte)'b':
                    value = 8;
                    break;
                case (byte)'t':
                    value = 9;
                    break;
                case (byte)'n':
                    value = 10;
                    break;
                case (byte)'v':
                    value = 11;
                    break;
                case (byte)'f':
                    value = 12;
                    break;
                case (byte)'r':
                    value = 13;
                    break;
                case (byte)'x':
                    if (!TryHexadecimal(text[(i + 1)..], 2, out value))
                        return null;
                    i += 2;
                    break;
                case >= (byte)'0' and <= (byte)'7':
                    value = 0;
                    var last = Math.Min(i + 3, text.Length);
                    for (; i < last && text[i] is >= (byte)'0' and <= (byte)'7'; i++)
                        value = 8 * value + text[i] - '0';
                    i--;
                    break;
                case (byte)'\\' or (byte)'\'' or (byte)'"':
                    value = text[i];
                    break;
                default:
                    return null;
            }
            bytes[count++] = (byte)value;
        }
        return bytes.AsSpan(0, count).ToArray();
    }

    /// <summary>
    /// Decodes text in which all characters above U+00FF are escaped as \uXXXX or \UXXXXXXXX to latin1 bytes; null if it has
    /// such a character, or an invalid escape.
    /// </summary>
    public static byte[]? RawLatin1(ReadOnlySpan<byte> text)
    {
        var bytes = new byte[text.Length];
        var count = 0;
        for (var i = 0; i < text.Length; count++)
        {
            var character = NextRaw(text, ref i);
            if (character is < 0 or > 0xFF)
                return null;
            bytes[count] = (byte)character;
        }
        return bytes.AsSpan(0, count).ToArray();
    }

    /// <summary>Decodes such text with any characters; null if an escape is invalid.</summary>
    public static string? RawUnicode(ReadOnlySpan<byte> text)
    {
        var result = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length;)
        {
            var character = NextRaw(text, ref i);
            if (character is >= 0 and <= 0xFFFF)
                result.Append((char)character);
            else if (Rune.TryCreate(character, out var rune))
                result.Append(rune.ToString());
            else
                return null;
        }
        return result.ToString();
    }

    /// <summary>Reads the next character and moves past it; negative if its escape is invalid.</summary>
    private static int NextRaw(ReadOnlySpan<byte> text, ref int i)
    {
        int first = text[i++];
        var digits = first != '\\' || i == text.Length ? 0 : text[i] switch { (byte)'u' => 4, (byte)'U' => 8, _ => 0 };
        if (digits == 0)
            return first;
        if (!TryHexadecimal(text[(i + 1)..], digits, out var value))
            return -1;
        i += 1 + digits;
        return value;
    }

    private static bool TryHexadecimal(ReadOnlySpan<byte> text, int digits, out int value)
    {
        value = 0;
        return text.Length >= digits && int.TryParse(
            text[..digits], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }
}
